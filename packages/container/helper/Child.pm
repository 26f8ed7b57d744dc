# What a child does between fork and execve: systemd's steps, in systemd's order, ending with its
# exit codes (systemd.exec(5), "Process Exit Codes").
package Child;
use strict;
use warnings;
use Errno qw(EACCES ENOENT ENOTDIR EPERM);
use POSIX ();
use System;

use constant SEARCH_PATH => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

my $can_clone = 1;

# clone3(2) puts a child into its v2 cgroup at birth, which spares a migration (1 to 2 ms: it waits
# for an RCU grace period). The raw call is fine here: one thread, and execve follows soon.
sub fork_into {
  my ($box) = @_;
  if ($can_clone && $box->{cgroup}) {
    my $into_cgroup = 1 << 33;
    my $arguments = pack 'Q11', $into_cgroup, 0, 0, 0, POSIX::SIGCHLD(), (0) x 5,
      fileno $box->{cgroup};
    my $pid = syscall $SYS->{clone3}, $arguments, length $arguments;
    return ($pid, 1) if $pid >= 0;
    # An old kernel, a seccomp filter: not tried again. A full cgroup is told by fork's join.
    $can_clone = 0 if $!{ENOSYS} || $!{EINVAL} || $!{EPERM};
  }
  return (fork, 0);
}

sub give_up {
  my ($report, $step, $code, $message) = @_;
  syswrite $report, pack '(N/a)*', 'failed', $step, $code, $message;
  POSIX::_exit($code);
}

# Never returns. Takes spec (the settings of `exec`), join (cgroup.procs files), notify (the notify
# socket's path), oom_adjust (to give back what the helper took), signals (to unblock), fds (to
# hand over), and the
# handles stdin, stdout, stderr and report.
sub become {
  my (%given) = @_;
  my $fail = sub { give_up($given{report}, @_) };
  eval { prepare(\%given, $fail) };
  $fail->('EXEC', 203, "$@");
}

sub prepare {
  my ($given, $fail) = @_;
  my ($spec, $stdin, $stdout, $stderr, $report) = @$given{qw(spec stdin stdout stderr report)};
  $SIG{PIPE} = 'IGNORE' if ($spec->{sigpipe} // '') eq 'ignore';
  POSIX::setsid() or $fail->('SETSID', 220, "setsid: $!");
  for my $procs (@{ $given->{join} }) {
    spew($procs, '0') or $fail->('CGROUP', 219, "$procs: $!");
  }
  spew('/proc/self/oom_score_adj', $given->{oom_adjust}) if defined $given->{oom_adjust};
  defined POSIX::dup2(fileno $stdin, 0) or $fail->('STDIN', 208, "dup2: $!");
  defined POSIX::dup2(fileno $stdout, 1) or $fail->('STDOUT', 209, "dup2: $!");
  defined POSIX::dup2(fileno $stderr, 2) or $fail->('STDERR', 222, "dup2: $!");
  $report = $given->{report} = hand_over($spec, $report, @{ $given->{fds} }) if @{ $given->{fds} };
  set_limits($spec, $report);
  umask($spec->{umask} // 0022);
  if (defined $spec->{nice}) {
    setpriority(0, 0, $spec->{nice}) or $fail->('NICE', 201, "nice $spec->{nice}: $!");
  }
  detach_mounts($spec, $fail);
  change_user($given->{notify}, $spec, $fail);
  if (defined $spec->{cwd}) {
    chdir $spec->{cwd} or $fail->('CHDIR', 200, "$spec->{cwd}: $!");
  } else { chdir '/' }
  # PR_SET_PDEATHSIG: should this helper be killed, its children go with it.
  syscall($SYS->{prctl}, 1, 9, 0, 0, 0) unless $spec->{'pid-file'};
  POSIX::sigprocmask(POSIX::SIG_UNBLOCK(), $given->{signals});
  execute($spec, $fail);
}

# The sockets of systemd.socket(5) as descriptors 3 and up, with the variables that tell of them. Out
# of their way first: each of them, and the report, may be one of those numbers. Gives the report.
sub hand_over {
  my ($spec, $report, @handles) = @_;
  my ($f_dupfd_cloexec, $above) = (1030, 64 + @handles);
  my @high = map { fcntl $_, $f_dupfd_cloexec, $above } @handles;
  my $moved = fcntl $report, $f_dupfd_cloexec, $above;
  open(my $kept, '>&=', $moved);
  POSIX::dup2($high[$_], 3 + $_) for 0 .. $#high;
  push @{ $spec->{env} }, "LISTEN_PID=$$", 'LISTEN_FDS=' . @handles;
  return $kept;
}

# execve(2) itself: execvp(3) would hand a file without #! to a shell, which systemd does not.
sub execute {
  my ($spec, $fail) = @_;
  my $path = $spec->{path};
  my @candidates = ($path);
  if ($path !~ m{/}) {
    my ($search) = map { /^PATH=(.*)/s ? $1 : () } @{ $spec->{env} };
    @candidates = map { "$_/$path" } grep { $_ ne '' } split /:/, $search // SEARCH_PATH;
  }
  my $arguments = pack 'p*', @{ $spec->{arg} }, undef;
  my $environment = pack 'p*', @{ $spec->{env} }, undef;
  my $reason = ENOENT;
  for my $candidate (@candidates) {
    syscall($SYS->{execve}, $candidate, $arguments, $environment);
    my $error = $! + 0;
    if ($error != ENOENT && $error != ENOTDIR && $error != EACCES) { $reason = $error; last }
    $reason = $error unless $error == ENOENT && @candidates > 1;
  }
  $! = $reason;
  $fail->('EXEC', 203, "$path: $!");
}

sub set_limits {
  my ($spec, $report) = @_;
  for (@{ $spec->{rlimit} }) {
    my ($number, @wanted) = split /:/;
    my $new = pack 'Q2', @wanted;
    next if syscall($SYS->{prlimit64}, 0, $number + 0, $new, 0) == 0;
    my $why = "$!";
    my $old = pack 'Q2', 0, 0;
    # Without CAP_SYS_RESOURCE a hard limit only goes down: come as near as is allowed.
    if ($! == EPERM && syscall($SYS->{prlimit64}, 0, $number + 0, 0, $old) == 0) {
      my (undef, $hard) = unpack 'Q2', $old;
      $new = pack 'Q2', map { $_ < $hard ? $_ : $hard } @wanted;
      syscall($SYS->{prlimit64}, 0, $number + 0, $new, 0);
    }
    syswrite $report, pack '(N/a)*', 'warning', 'LIMITS', 205, "limit $number to $wanted[0]:$wanted[1]: $why";
  }
}

sub detach_mounts {
  my ($spec, $fail) = @_;
  my @mounts = @{ $spec->{'detach-mount'} } or return;
  syscall($SYS->{unshare}, 0x20000) == 0 or $fail->('NAMESPACE', 226, "unshare: $!");
  # MS_REC | MS_SLAVE: what is done here stays here.
  my ($none, $root) = ('none', '/');
  syscall($SYS->{mount}, $none, $root, 0, 0x4000 | 0x80000, 0) == 0
    or $fail->('NAMESPACE', 226, "mount: $!");
  for my $mount (@mounts) {
    syscall($SYS->{umount2}, "$mount", 2) == 0 or $fail->('NAMESPACE', 226, "umount $mount: $!");
  }
}

sub change_user {
  my ($notify, $spec, $fail) = @_;
  my ($uid, $gid, @groups, $name);
  if (defined $spec->{user}) {
    my @entry = $spec->{user} =~ /^\d+$/ ? getpwuid $spec->{user} : getpwnam $spec->{user};
    if (@entry) { ($name, $uid, $gid) = @entry[0, 2, 3] }
    # A bare number needs no entry; its group is then the same number, never root's.
    elsif ($spec->{user} =~ /^\d+$/) { $uid = $gid = $spec->{user} }
    else { $fail->('USER', 217, "user $spec->{user} is not known") }
  }
  $gid = group_id($spec->{group}, $fail) if defined $spec->{group};
  my @extra = map { group_id($_, $fail) } @{ $spec->{supplementary} };
  if (defined $name) {
    while (my @entry = getgrent) {
      push @groups, $entry[2] if grep { $_ eq $name } split ' ', $entry[3];
    }
    endgrent;
  }
  my $owner = $spec->{owner} // $uid;
  if (defined $owner && $notify ne '') {
    my ($directory) = $notify =~ m{^(.*)/};
    chown $owner, -1, $directory;
  }
  $fail->('GROUP', 216, 'only root may set supplementary groups') if @extra && $> != 0;
  if ((defined $uid || @extra) && $> == 0) {
    my %seen;
    my @all = grep { !$seen{$_}++ } (defined $gid ? $gid : ()), @groups, @extra;
    my $list = pack 'L*', @all;
    syscall($SYS->{setgroups}, scalar @all, $list) == 0 or $fail->('GROUP', 216, "setgroups: $!");
  }
  if (defined $gid && ($gid != POSIX::getgid() || $gid != POSIX::getegid())) {
    POSIX::setgid($gid) or $fail->('GROUP', 216, "setgid $gid: $!");
  }
  if (defined $uid && ($uid != $< || $uid != $>)) {
    POSIX::setuid($uid) or $fail->('USER', 217, "setuid $uid: $!");
  }
}

sub group_id {
  my ($group, $fail) = @_;
  return $group + 0 if $group =~ /^\d+$/;
  my $gid = getgrnam $group;
  $fail->('GROUP', 216, "group $group is not known") unless defined $gid;
  return $gid;
}

1;
