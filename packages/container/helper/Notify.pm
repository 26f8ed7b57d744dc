# sd_notify(3) sockets.
package Notify;
use strict;
use warnings;
use Socket qw(AF_UNIX SOCK_DGRAM SOL_SOCKET pack_sockaddr_un);
use System;
use parent 'Exporter';

our @EXPORT = qw(open_notify receive_notify);

use constant {
  DATAGRAM_MAX    => 4096,    # as systemd's; what is longer is cut
  SO_PASSCRED     => 16,
  SCM_CREDENTIALS => 2,
  MSG_DONTWAIT    => 0x40,
};

# The socket, bound; nothing and $! if it cannot be.
sub open_notify {
  my ($path) = @_;
  unlink $path;
  socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or return;
  bind($socket, pack_sockaddr_un($path)) or return;
  # Who may enter its directory may send; the directory is the guard.
  chmod 0666, $path or return;
  setsockopt($socket, SOL_SOCKET, SO_PASSCRED, 1);
  return $socket;
}

# recvmsg(2) by hand, for the sender's pid (SCM_CREDENTIALS). Descriptors that come along find no
# room in the control buffer, so the kernel closes them.
# Gives pid (0 if not told) and data, or nothing when no message waits.
sub receive_notify {
  my ($socket) = @_;
  my ($data, $control) = ('', '');
  vec($data, DATAGRAM_MAX - 1, 8) = 0;
  vec($control, 31, 8) = 0;
  my $vector = pack 'PQ', $data, DATAGRAM_MAX;
  my $message = pack 'Q2 P Q P Q Q', 0, 0, $vector, 1, $control, 32, 0;
  my $length = syscall $SYS->{recvmsg}, fileno $socket, $message, MSG_DONTWAIT;
  return if $length < 0;
  my ($size, $level, $type, $pid) = unpack 'Q l l l', $control;
  $pid = 0 unless $size >= 28 && $level == SOL_SOCKET && $type == SCM_CREDENTIALS;
  return ($pid, substr $data, 0, $length);
}

1;
