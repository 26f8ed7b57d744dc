#!/usr/bin/perl
# Forks and executes the processes of @flotilla/container, reaps them, relays their output and
# their sd_notify messages, and kills them all when the daemon that started it goes away.
#
# A process of its own because a fork from a small process is cheap whatever the daemon's memory,
# because Node offers neither fork with set-up, nor datagram sockets, nor a subreaper, and because
# something must outlive a SIGKILLed daemon long enough to stop what the daemon ran. In Perl because
# Debian's perl-base is Essential: nothing else that can do this is on every machine. Only modules
# of perl-base are used.
#
# Arguments: name=value. lock=DIR (repeatable: held as long as this process lives),
# lock-wait-ms=N, grace-ms=N (between SIGTERM and SIGKILL once the daemon is gone).
#
# Protocol, on stdin and stdout, both ways: frames of a big-endian u32 length, then that many bytes:
# a list of strings, each a big-endian u32 length and its bytes. The first string names the message.
#
#   to the helper                                answered by
#   sandbox REQ ID TRACK NOTIFY CREDIT CLONE [PROCS]…
#                                                reply   TRACK: cgroup directory, "tree" or "none";
#                                                        CLONE: 1 if clone3 may put children there;
#                                                        PROCS: cgroup.procs files to join
#   exec    REQ ID [KEY VALUE]…                  reply (ok PID), then executed, exited
#   signal  REQ ID PID NUMBER                    reply
#   signal-all REQ ID NUMBER                     reply
#   pids    REQ ID                               reply (ok PID…)
#   remove  REQ ID                               reply, when the last process is gone
#   credit  ID BYTES                             nothing: that much more output may be sent
#
#   from the helper
#   ready   VERSION PID | refused MESSAGE        once, at start
#   reply   REQ ok [VALUE]… | reply REQ error CODE MESSAGE
#   executed PID [STEP CODE MESSAGE]             execve succeeded, or why not
#   warning ID PID STEP MESSAGE                  a setting that could not be applied
#   output  ID PID STREAM DATA                   STREAM 1 or 2
#   notify  ID PID DATA
#   exited  PID STATUS                           the raw wait status
#   empty   ID                                   the sandbox's last process is gone
#
# Keys of exec: path arg env cwd user group supplementary umask nice rlimit (NUMBER:SOFT:HARD)
# sigpipe owner (uid that may use the notify socket) detach-mount (umounted in a private mount
# namespace first) pid-file (the program starts another and leaves its pid there; that one counts).
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Cwd ();
use Fcntl qw(LOCK_EX LOCK_NB O_DIRECTORY O_NONBLOCK O_RDONLY);
use File::Basename ();
use POSIX ();
use lib File::Basename::dirname(Cwd::abs_path(__FILE__));
use Child;
use Members;
use Notify;
use System;
use Watch;

use constant {
  VERSION      => 1,
  FRAME_MAX    => 8 << 20,     # argv and environment have 2 MiB at most (ARG_MAX)
  OUT_HIGH     => 1 << 20,     # above this, pipes and notify sockets are not read
  READ_SIZE    => 65536,
  LINGER_S     => 0.25,        # backstop: looks at sandboxes whose main processes are gone
  REMOVE_S     => 0.005,
  REMOVE_MAX_S => 10,
};

my (@locks, $lock_wait_ms, $grace_ms);
my ($in, $out, $out_at) = ('', '', 0);
my (%sandbox, %process);             # by id; by pid
my $launching = 0;                   # programs under way that will leave a pid file
my %early_exit;                      # statuses of unknown children, kept only meanwhile
my ($daemon_gone, $can_clone) = (0, 1);
my ($blocked, $oom_adjust);          # signals; what oom_score_adj was
open(my $null, '<', '/dev/null') or die "/dev/null: $!";

sub main {
  my %option = ('lock-wait-ms' => 10_000, 'grace-ms' => 0);
  for (@ARGV) {
    my ($name, $value) = split /=/, $_, 2;
    if ($name eq 'lock') { push @locks, $value } else { $option{$name} = $value }
  }
  ($lock_wait_ms, $grace_ms) = @option{qw(lock-wait-ms grace-ms)};
  $0 = 'flotilla-spawner';
  block_signals();
  refuse('machine ' . (POSIX::uname())[4] . ' is not supported') unless $SYS;
  take_locks();
  # PR_SET_CHILD_SUBREAPER: orphans of units come here, not to init.
  refuse("prctl: $!") if syscall($SYS->{prctl}, 36, 1, 0, 0, 0) < 0;
  my $signals = open_signalfd();
  spare_from_oom();
  nonblock(\*STDIN);
  nonblock(\*STDOUT);
  add_watch(fileno(STDIN), \&read_commands, 0);
  add_watch(fileno($signals), sub { sysread $signals, my $ignored, 4096; reap() }, 0);
  send_frame('ready', VERSION, $$);
  turn() until $daemon_gone;
  stop_everything();
  exit 0;
}

sub refuse {
  my $frame = pack '(N/a)*', 'refused', @_;
  syswrite STDOUT, pack('N', length $frame) . $frame;
  exit 1;
}

# A predecessor whose daemon died still holds the lock while it kills: wait for it.
sub take_locks {
  for my $lock (@locks) {
    my $directory = $lock;
    sysopen(my $handle, $directory, O_RDONLY | O_DIRECTORY) or refuse("$directory: $!");
    my $tries = $lock_wait_ms / 20;
    until (flock $handle, LOCK_EX | LOCK_NB) {
      refuse("in use: $directory is locked by another runtime") if --$tries < 0;
      select undef, undef, undef, 0.02;
    }
    $lock = $handle;
  }
}

# The daemon decides when to stop; a signal to the process group or a shutdown must not. Blocked
# rather than ignored: a signal that reaches a child before its execve stays pending and acts then.
sub block_signals {
  my @signals = qw(SIGCHLD SIGHUP SIGINT SIGPIPE SIGQUIT SIGTERM);
  $blocked = POSIX::SigSet->new(map { POSIX->can($_)->() } @signals);
  POSIX::sigprocmask(POSIX::SIG_BLOCK(), $blocked) or refuse("sigprocmask: $!");
}

# SIGCHLD as a readable descriptor: no race between looking for children and going to sleep.
sub open_signalfd {
  my $mask = pack 'Q', 1 << (POSIX::SIGCHLD() - 1);
  my $fd = syscall($SYS->{signalfd4}, -1, $mask, 8, 02000000 | O_NONBLOCK);
  refuse("signalfd: $!") if $fd < 0;
  open(my $handle, '<&=', $fd) or refuse("signalfd: $!");
  return $handle;
}

# Losing this process loses all units: let the kernel kill others first, where it may be told so.
sub spare_from_oom {
  my $was = slurp('/proc/self/oom_score_adj');
  return unless defined $was && spew('/proc/self/oom_score_adj', '-900');
  chomp($oom_adjust = $was);
}

# ---- the loop -------------------------------------------------------------------------------

sub turn {
  my $pending = length($out) - $out_at;
  my $writer = $pending > 0 ? fileno STDOUT : undef;
  flush_out() if wait_readable($pending < OUT_HIGH, $writer, pause_length());
  look_at_lingering();
  flush_out() if length($out) > $out_at;
}

sub pause_length {
  my $pause;
  for (values %sandbox) {
    return REMOVE_S if $_->{removing};
    $pause = LINGER_S if $_->{occupied} && !%{ $_->{main} };
  }
  return $pause;
}

sub send_frame {
  my $frame = pack '(N/a)*', @_;
  $out .= pack('N', length $frame) . $frame;
}

sub flush_out {
  while (length($out) > $out_at) {
    my $written = syswrite STDOUT, $out, length($out) - $out_at, $out_at;
    if (!defined $written) {
      $daemon_gone = 1 unless $! == EAGAIN || $! == EINTR;
      last;
    }
    $out_at += $written;
  }
  if ($out_at == length $out) { ($out, $out_at) = ('', 0) }
  elsif ($out_at > OUT_HIGH) { substr($out, 0, $out_at, ''); $out_at = 0 }
}

my %command = (
  sandbox      => \&make_sandbox,
  exec         => \&start_process,
  signal       => \&signal_one,
  'signal-all' => sub { my ($request, $box, $number) = @_; signal_all($box, $number); ok($request) },
  pids         => sub { my ($request, $box) = @_; ok($request, members($box)) },
  remove       => \&remove_sandbox,
);

sub read_commands {
  my $got = sysread STDIN, $in, READ_SIZE, length $in;
  if (!defined $got) { $daemon_gone = 1 unless $! == EAGAIN || $! == EINTR; return }
  if ($got == 0) { $daemon_gone = 1; return }
  my $at = 0;
  while (length($in) - $at >= 4) {
    my $length = unpack 'N', substr $in, $at, 4;
    if ($length > FRAME_MAX) { $daemon_gone = 1; return }
    last if length($in) - $at < 4 + $length;
    dispatch(unpack '(N/a)*', substr $in, $at + 4, $length);
    $at += 4 + $length;
  }
  substr($in, 0, $at, '') if $at;
}

sub dispatch {
  my ($name, @fields) = @_;
  if ($name eq 'credit') { add_credit(@fields); return }
  my ($request, $id, @rest) = @fields;
  my $handler = $command{$name};
  if (!$handler) { failed($request, 'protocol', "unknown command $name"); return }
  my $subject = $name eq 'sandbox' ? $id : $sandbox{$id};
  if (!defined $subject) { failed($request, 'not-found', "no sandbox $id"); return }
  $handler->($request, $subject, @rest);
}

sub ok { my ($request, @values) = @_; send_frame('reply', $request, 'ok', @values) }

sub failed { my ($request, @reason) = @_; send_frame('reply', $request, 'error', @reason) }

# ---- sandboxes ------------------------------------------------------------------------------

sub make_sandbox {
  my ($request, $id, $track, $notify, $credit, $clone, @procs) = @_;
  if ($sandbox{$id}) { failed($request, 'exists', "sandbox $id exists"); return }
  my $box = {
    id => $id, track => $track, procs => \@procs, credit => $credit, notify => $notify,
    main => {}, pipes => {}, occupied => 0,
  };
  if ($notify ne '') {
    my $socket = open_notify($notify);
    if (!$socket) { failed($request, 'notify-socket', "$notify: $!"); return }
    $box->{socket} = $socket;
    add_watch(fileno($socket), sub { read_notify($box) }, 1);
  }
  if ($clone && -e "$track/cgroup.kill") {
    sysopen($box->{cgroup}, $track, O_RDONLY | O_DIRECTORY) or delete $box->{cgroup};
  }
  $sandbox{$id} = $box;
  ok($request);
}

sub read_notify {
  my ($box) = @_;
  # A bound for one turn, so that a chatty unit does not keep others waiting.
  for (1 .. 64) {
    my ($pid, $data) = receive_notify($box->{socket}) or return;
    send_frame('notify', $box->{id}, $pid, $data);
  }
}

sub add_credit {
  my ($id, $bytes) = @_;
  my $box = $sandbox{$id} or return;
  $box->{credit} += $bytes;
  resume_watch($_) for $box->{credit} > 0 ? keys %{ $box->{pipes} } : ();
}

sub signal_one {
  my ($request, $box, $pid, $number) = @_;
  # An unreaped child of ours keeps its pid; others are looked up, so that a reused pid is not hit.
  my $ours = $box->{main}{$pid} || grep { $_ == $pid } members($box);
  if ($ours && deliver($box, $number, $pid)) { ok($request) }
  else { failed($request, 'no-process', "no process $pid in sandbox $box->{id}") }
}

sub remove_sandbox {
  my ($request, $box) = @_;
  $box->{removing} = $request;
  $box->{deadline} = time + REMOVE_MAX_S;
  signal_all($box, 9);
}

# After children were reaped and on a timer: which sandboxes have lost their last process?
sub look_at_lingering {
  for my $box (values %sandbox) {
    next unless $box->{occupied} || $box->{removing};
    next if %{ $box->{main} } && !$box->{removing};
    if (is_empty($box)) {
      send_frame('empty', $box->{id}) if $box->{occupied};
      $box->{occupied} = 0;
      forget_sandbox($box) if $box->{removing};
    } elsif ($box->{removing}) {
      signal_all($box, 9);
      next if time < $box->{deadline};
      failed(delete $box->{removing}, 'busy', 'processes survive SIGKILL: ' . join ' ', members($box));
    }
  }
}

sub forget_sandbox {
  my ($box) = @_;
  for my $fd (keys %{ $box->{pipes} }) {
    remove_watch($fd);
    close $box->{pipes}{$fd};
  }
  if ($box->{socket}) {
    remove_watch(fileno $box->{socket});
    close $box->{socket};
    unlink $box->{notify};
  }
  delete $sandbox{ $box->{id} };
  ok($box->{removing});
}

# ---- processes ------------------------------------------------------------------------------

sub start_process {
  my ($request, $box, @settings) = @_;
  my %spec = (arg => [], env => [], supplementary => [], rlimit => [], 'detach-mount' => []);
  while (my ($key, $value) = splice @settings, 0, 2) {
    if (ref $spec{$key}) { push @{ $spec{$key} }, $value } else { $spec{$key} = $value }
  }
  pipe(my $stdout, my $stdout_child) && pipe(my $stderr, my $stderr_child)
    && pipe(my $report, my $report_child)
    or do { failed($request, 'resources', "pipe: $!"); return };
  my ($pid, $joined) = fork_into($box);
  if (!defined $pid) { failed($request, 'resources', "fork: $!"); return }
  if ($pid == 0) {
    my @join = @{ $box->{procs} };
    shift @join if $joined;
    Child::become(
      spec => \%spec, join => \@join, notify => $box->{notify}, oom_adjust => $oom_adjust,
      signals => $blocked, stdin => $null, stdout => $stdout_child, stderr => $stderr_child,
      report => $report_child,
    );
  }
  close $_ for $stdout_child, $stderr_child, $report_child;
  my $process = {
    pid => $pid, box => $box, report => $report, reported => '', request => $request,
    pid_file => $spec{'pid-file'}, pipes => [$stdout, $stderr],
  };
  $process{$pid} = $process;
  $box->{main}{$pid} = 1;
  $box->{occupied} = 1;
  watch_pipe($process, $stdout, 1);
  watch_pipe($process, $stderr, 2);
  nonblock($report);
  add_watch(fileno($report), sub { read_report($process) }, 0);
  if (!$process->{pid_file}) { ok($request, $pid); return }
  $launching++;
  # Not read before it is known which process writes: chunks carry its pid.
  pause_watch(fileno $_) for $stdout, $stderr;
}

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

sub watch_pipe {
  my ($process, $pipe, $stream) = @_;
  my $box = $process->{box};
  my $fd = fileno $pipe;
  nonblock($pipe);
  $box->{pipes}{$fd} = $pipe;
  add_watch($fd, sub { read_pipe($process, $pipe, $stream) }, 1);
  pause_watch($fd) if $box->{credit} <= 0;
}

# True when something was read.
sub read_pipe {
  my ($process, $pipe, $stream) = @_;
  my $box = $process->{box};
  my $fd = fileno $pipe;
  if ($box->{credit} <= 0) {
    pause_watch($_) for keys %{ $box->{pipes} };
    return 0;
  }
  my $got = sysread $pipe, my $data, READ_SIZE;
  return 0 if !defined $got && ($! == EAGAIN || $! == EINTR);
  if (!$got) {
    remove_watch($fd);
    delete $box->{pipes}{$fd};
    close $pipe;
    return 0;
  }
  $box->{credit} -= $got;
  send_frame('output', $box->{id}, $process->{pid}, $stream, $data);
  return 1;
}

# The child's report: warnings and the failure, if any; the end of file means execve succeeded.
sub read_report {
  my ($process) = @_;
  my $report = $process->{report} or return;
  my $got = sysread $report, $process->{reported}, READ_SIZE, length $process->{reported};
  return if !defined $got || $got > 0;
  remove_watch(fileno $report);
  close delete $process->{report};
  my @records = unpack '(N/a)*', $process->{reported};
  while (my ($kind, $step, $code, $message) = splice @records, 0, 4) {
    if ($kind eq 'warning') { send_frame('warning', $process->{box}{id}, $process->{pid}, $step, $message) }
    else { $process->{failure} = [$step, $code, $message] }
  }
  send_frame('executed', $process->{pid}, @{ $process->{failure} // [] }) unless $process->{pid_file};
}

sub reap {
  while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) {
    my $status = $?;
    my $process = delete $process{$pid};
    if (!$process) { $early_exit{$pid} = $status if $launching; next }
    read_report($process) while $process->{report};
    if ($process->{pid_file}) { launched($process, $status) }
    else { finished($process, end_of($process->{box}, $pid, $status)) }
  }
}

# What was written before the end is sent before the end is told, as far as credit reaches.
sub finished {
  my ($process, $status) = @_;
  my $box = $process->{box};
  for my $stream (1, 2) {
    my $pipe = $process->{pipes}[ $stream - 1 ];
    for (1 .. 32) { last unless defined fileno $pipe && read_pipe($process, $pipe, $stream) }
  }
  read_notify($box) if $box->{socket};
  delete $box->{main}{ $process->{pid} };
  send_frame('exited', $process->{pid}, $status);
}

# A container runtime has done its part: the container's first process, whose parent is now this
# one, takes the place of the runtime's.
sub launched {
  my ($process, $status) = @_;
  my $box = $process->{box};
  my $file = delete $process->{pid_file};
  my $pid = $status == 0 ? slurp($file) : undef;
  if (!defined $pid || $pid !~ /^(\d+)/) {
    ok($process->{request}, $process->{pid});
    send_frame('executed', $process->{pid},
      @{ $process->{failure} // ['RUNTIME', 203, "the container runtime ended with status $status"] });
    finished($process, $status);
  } else {
    $pid = $1;
    delete $box->{main}{ $process->{pid} };
    $process->{pid} = $pid;
    $process{$pid} = $process;
    $box->{main}{$pid} = 1;
    ok($process->{request}, $pid);
    send_frame('executed', $pid);
    add_credit($box->{id}, 0);
    if (defined(my $early = delete $early_exit{$pid})) {
      delete $process{$pid};
      finished($process, $early);
    }
  }
  %early_exit = () unless --$launching;
}

# ---- the end --------------------------------------------------------------------------------

# The daemon is gone. What it ran may be started elsewhere at once, so nothing may stay.
sub stop_everything {
  my @boxes = grep { $_->{track} ne 'none' || %{ $_->{main} } } values %sandbox;
  if ($grace_ms > 0) {
    signal_all($_, 15) for @boxes;
    my $tries = $grace_ms / 10;
    while ($tries-- > 0) {
      reap_quietly();
      last unless grep { !is_empty($_) } @boxes;
      select undef, undef, undef, 0.01;
    }
  }
  # Killed again and again for ten seconds; what survives that sits in the kernel.
  for (1 .. 2000) {
    signal_all($_, 9) for @boxes;
    reap_quietly();
    last unless grep { !is_empty($_) } @boxes;
    select undef, undef, undef, 0.005;
  }
  for my $box (values %sandbox) {
    unlink $box->{notify};
    # The sandbox's own directories, then the runtime's, which goes when its last sandbox does.
    for my $file ($box->{notify}, @{ $box->{procs} }) {
      my ($parent, $directory) = $file =~ m{^((/.+)/[^/]+)/[^/]+$} ? ($2, $1) : next;
      rmdir for $directory, $parent;
    }
  }
}

sub reap_quietly {
  while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) {
    my $process = delete $process{$pid} or next;
    delete $process->{box}{main}{$pid};
  }
}


main();
