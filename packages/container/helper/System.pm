# What the helper's parts share: system calls by number, whole files, descriptor flags.
package System;
use strict;
use warnings;
use Fcntl qw(F_SETFL O_NONBLOCK);
use POSIX ();
use parent 'Exporter';

our @EXPORT = qw($SYS boot_seconds nonblock slurp spew);

# Numbers of system calls that Perl has no function for.
my %generic = (
  prctl => 167, prlimit64 => 261, signalfd4 => 74, execve => 221, recvmsg => 212,
  unshare => 97, mount => 40, umount2 => 39, setgroups => 159, clone3 => 435,
  clock_gettime => 113,
);
my %numbers = (
  x86_64 => {
    prctl => 157, prlimit64 => 302, signalfd4 => 289, execve => 59, recvmsg => 47,
    unshare => 272, mount => 165, umount2 => 166, setgroups => 116, clone3 => 435,
    clock_gettime => 228,
  },
  aarch64 => \%generic,
  riscv64 => \%generic,
);

# Undefined on a machine whose numbers or pointer size are not known.
our $SYS = length(pack 'p', '') == 8 ? $numbers{ (POSIX::uname())[4] } : undef;

# Since the machine booted, sleep included: what the rest of a cluster counts meanwhile.
sub boot_seconds {
  my $time = pack 'q2', 0, 0;
  syscall $SYS->{clock_gettime}, 7, $time;
  my ($seconds, $nanoseconds) = unpack 'q2', $time;
  return $seconds + $nanoseconds / 1e9;
}

sub nonblock {
  my ($handle) = @_;
  # No other flag that F_SETFL can change is ever set on what this is used for.
  fcntl $handle, F_SETFL, O_NONBLOCK;
}

sub slurp {
  my ($path) = @_;
  open(my $handle, '<', $path) or return undef;
  my $text = '';
  1 while sysread $handle, $text, 65536, length $text;
  return $text;
}

sub spew {
  my ($path, $text) = @_;
  open(my $handle, '>', $path) or return 0;
  return defined syswrite $handle, $text;
}

1;
