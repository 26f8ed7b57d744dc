# Sockets and FIFOs that units are activated by (systemd.socket(5)): held here, over any number of
# daemons and of the processes that they are handed to.
package Listeners;
use strict;
use warnings;
use Fcntl qw(O_NONBLOCK O_RDWR);
use POSIX ();
use Socket qw(
  AF_INET AF_INET6 AF_UNIX IPPROTO_IPV6 IPV6_V6ONLY SOCK_DGRAM SOCK_SEQPACKET SOCK_STREAM SOL_SOCKET
  SO_REUSEADDR inet_pton pack_sockaddr_in pack_sockaddr_in6 pack_sockaddr_un unpack_sockaddr_in
  unpack_sockaddr_in6
);
use Conversation;
use System;
use Watch;
use parent 'Exporter';

our @EXPORT = qw(arm_listener close_listener listener_handle make_listener);

my %type = (stream => SOCK_STREAM, datagram => SOCK_DGRAM, seqpacket => SOCK_SEQPACKET);
my %listener;

# TYPE: stream, datagram, seqpacket or fifo. FAMILY: unix, inet or inet6. One that is there already
# (of an earlier daemon) is used as it is.
sub make_listener {
  my ($request, $key, $type, $family, $host, $port, $mode, $backlog) = @_;
  if (!$listener{$key}) {
    my $made = eval {
      $type eq 'fifo' ? open_fifo($host, $mode) : open_socket($type, $family, $host, $port, $mode, $backlog);
    };
    if (!$made) {
      chomp(my $reason = $@);
      failed($request, 'resources', $reason);
      return;
    }
    $listener{$key} = $made;
  }
  ok($request, bound_port($listener{$key}, $family));
}

sub open_fifo {
  my ($path, $mode) = @_;
  POSIX::mkfifo($path, $mode) or $!{EEXIST} or die "$path: $!\n";
  chmod $mode, $path or die "$path: $!\n";
  sysopen(my $handle, $path, O_RDWR | O_NONBLOCK) or die "$path: $!\n";
  return $handle;
}

sub open_socket {
  my ($type, $family, $host, $port, $mode, $backlog) = @_;
  my $domain = { unix => AF_UNIX, inet => AF_INET, inet6 => AF_INET6 }->{$family};
  socket(my $handle, $domain, $type{$type}, 0) or die "socket: $!\n";
  my $address;
  if ($family eq 'unix') {
    # An old socket of this name has no listener, or is not ours to judge: systemd unlinks it, too.
    unlink $host if $host =~ m{^/};
    $address = pack_sockaddr_un($host =~ /^@(.*)/s ? "\0$1" : $host);
  } else {
    setsockopt $handle, SOL_SOCKET, SO_REUSEADDR, 1;
    my $ip = inet_pton($domain, $host) or die "$host is no address\n";
    $address = $family eq 'inet' ? pack_sockaddr_in($port, $ip) : pack_sockaddr_in6($port, $ip);
    # [::] takes IPv4 as well.
    setsockopt $handle, IPPROTO_IPV6, IPV6_V6ONLY, 0 if $family eq 'inet6';
  }
  my $umask = umask(~$mode & 0777);
  my $bound = bind $handle, $address;
  my $error = "$!";
  umask $umask;
  $bound or die "bind: $error\n";
  $type eq 'datagram' or listen $handle, $backlog or die "listen: $!\n";
  nonblock($handle);
  return $handle;
}

sub bound_port {
  my ($handle, $family) = @_;
  return 0 if $family eq 'unix';
  my $name = getsockname $handle;
  return ($family eq 'inet' ? unpack_sockaddr_in($name) : unpack_sockaddr_in6($name))[0];
}

# Tells once when something waits.
sub arm_listener {
  my ($request, $key) = @_;
  my $handle = $listener{$key};
  if (!$handle) { failed($request, 'not-found', "no listener $key"); return }
  my $fd = fileno $handle;
  add_watch($fd, sub { remove_watch($fd); send_frame('incoming', $key) }, 0);
  ok($request);
}

sub close_listener {
  my ($request, $key) = @_;
  if (my $handle = delete $listener{$key}) {
    remove_watch(fileno $handle);
    close $handle;
  }
  ok($request);
}

sub listener_handle { return $listener{ $_[0] } }

1;
