# What the helper does once, before it does anything for the daemon. Dies with what to tell it.
package Setup;
use strict;
use warnings;
use Fcntl qw(LOCK_EX LOCK_NB O_DIRECTORY O_NONBLOCK O_RDONLY);
use POSIX ();
use System;
use parent 'Exporter';

our @EXPORT = qw(become_subreaper block_signals open_signalfd spare_from_oom take_locks);

my @held;    # locks, as long as this process lives

# A predecessor whose daemon died still holds the lock while it kills: wait for it.
sub take_locks {
  my ($lock_wait_ms, @locks) = @_;
  for my $lock (@locks) {
    # The predecessor removes its cgroups as the last thing it does.
    make_path($lock) if @held;
    sysopen(my $handle, $lock, O_RDONLY | O_DIRECTORY) or die "$lock: $!\n";
    my $tries = $lock_wait_ms / 20;
    until (flock $handle, LOCK_EX | LOCK_NB) {
      die "in use: $lock is locked by another runtime\n" if --$tries < 0;
      select undef, undef, undef, 0.02;
    }
    push @held, $handle;
  }
}

sub make_path {
  my ($path) = @_;
  my $made = '';
  mkdir $made .= "/$_", 0755 for grep { $_ ne '' } split m{/}, $path;
}

# The daemon decides when to stop; a signal to the process group or a shutdown must not. Blocked
# rather than ignored: a signal that reaches a child before its execve stays pending and acts then.
sub block_signals {
  my @signals = qw(SIGCHLD SIGHUP SIGINT SIGPIPE SIGQUIT SIGTERM);
  my $blocked = POSIX::SigSet->new(map { POSIX->can($_)->() } @signals);
  POSIX::sigprocmask(POSIX::SIG_BLOCK(), $blocked) or die "sigprocmask: $!\n";
  return $blocked;
}

# SIGCHLD as a readable descriptor: no race between looking for children and going to sleep.
sub open_signalfd {
  my $mask = pack 'Q', 1 << (POSIX::SIGCHLD() - 1);
  my $fd = syscall($SYS->{signalfd4}, -1, $mask, 8, 02000000 | O_NONBLOCK);
  die "signalfd: $!\n" if $fd < 0;
  open(my $handle, '<&=', $fd) or die "signalfd: $!\n";
  return $handle;
}

# Losing this process loses all units: let the kernel kill others first, where it may be told so.
# Gives what the children are to have back.
sub spare_from_oom {
  my $was = slurp('/proc/self/oom_score_adj');
  return undef unless defined $was && spew('/proc/self/oom_score_adj', '-900');
  chomp $was;
  return $was;
}

# Orphans of units come here, not to init.
sub become_subreaper {
  # PR_SET_CHILD_SUBREAPER
  die "prctl: $!\n" if syscall($SYS->{prctl}, 36, 1, 0, 0, 0) < 0;
}

1;
