# The conversation with the daemon: frames in and out, over the pipes that this process was started
# with, and later, where it may outlive its daemon, over a socket with whichever daemon comes next.
#
# Both ways: frames of a big-endian u32 length, then that many bytes:
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
#   watch   REQ ID PID                           reply (ok PID), then exited; PID lost its parent
#   remove  REQ ID                               reply, when the last process is gone
#   listen  REQ KEY TYPE FAMILY HOST PORT MODE BACKLOG
#                                                reply (ok PORT); FAMILY: unix, inet or inet6
#   arm     REQ KEY                              reply, then incoming once something waits
#   unlisten REQ KEY                             reply
#   credit  ID BYTES                             nothing: that much more output may be sent
#   note    KEY VALUE                            nothing: kept for the next daemon; "" forgets it
#   hold    MS                                   nothing: if the daemon goes, wait only until then
#   quit                                         nothing: stop everything when the daemon goes
#   adopt   REQ                                  kept-… messages, then reply
#   resume  REQ ID CREDIT                        reply, then what was held of the sandbox
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
#   incoming KEY                                 a listener that was armed has something
#   kept-sandbox ID                              what an earlier daemon left, on adopt
#   kept-process ID PID TAG EXECUTED STATUS [STEP CODE MESSAGE]
#                                                EXECUTED 0 or 1; STATUS "" while it lives
#   kept-note KEY VALUE
#
# Keys of exec: path arg env cwd user group supplementary umask nice rlimit (NUMBER:SOFT:HARD)
# sigpipe owner (uid that may use the notify socket) detach-mount (umounted in a private mount
# namespace first) fd (KEY of a listener to hand over) tag (told again on adopt) pid-file (the program starts another and leaves its pid
# there; that one counts).
package Conversation;
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);
use System;
use Watch;
use parent 'Exporter';

our @EXPORT = qw(
  announce attach attached congested converse end_conversation failed flush_out listen_in ok
  refuse_client send_frame waiting_writer
);

use constant {
  FRAME_MAX => 8 << 20,     # argv and environment have 2 MiB at most (ARG_MAX)
  OUT_HIGH  => 1 << 20,     # above this, pipes and notify sockets are not read
  READ_SIZE => 65536,
  KEPT_NOTIFY => 256,       # messages of a sandbox that are held while no daemon listens to it
  SOCKET    => 'helper',    # its name in the runtime's directory
};

my ($input, $output, $in) = (undef, undef, '');
my (@queued, @sending);             # whole frames: not begun, and those that $sending is made of
my ($queued_bytes, $sending, $sent) = (0, '', 0);
my ($dispatch, $lost, $listener, $listening_in);

# dispatch: called with each message's fields. lost: called when the daemon has gone, with the
# frames that it was not sent whole.
sub converse {
  my (%given) = @_;
  ($dispatch, $lost) = @given{qw(dispatch lost)};
}

sub attach {
  ($input, $output, $in) = (@_, '');
  nonblock($input);
  nonblock($output);
  add_watch(fileno($input), \&read_commands, 0);
}

sub attached { return defined $input }

# Another daemon may connect here once this one has gone. Only the owner may: the mode says so.
sub listen_in {
  my ($directory) = @_;
  # By a relative name, for a socket's path has 107 bytes at most.
  chdir $directory or return 0;
  unlink SOCKET;
  socket($listener, AF_UNIX, SOCK_STREAM, 0) or return 0;
  my $mask = umask 0177;
  my $bound = bind $listener, pack_sockaddr_un(SOCKET);
  umask $mask;
  chdir '/';
  return 0 unless $bound && listen $listener, 8;
  $listening_in = $directory;
  nonblock($listener);
  add_watch(fileno($listener), \&meet, 0);
  return 1;
}

sub meet {
  accept(my $client, $listener) or return;
  # The end of the present daemon may be there to be read.
  read_commands() if attached();
  if (attached()) { refuse_client($client, 'in use: another daemon has this helper'); return }
  attach($client, $client);
  $dispatch->('connected');
}

sub refuse_client {
  my ($client, @reason) = @_;
  syswrite $client, frame('refused', @reason);
}

# No daemon is met any more.
sub end_conversation {
  return unless $listener;
  remove_watch(fileno $listener);
  close $listener;
  undef $listener;
  unlink "$listening_in/" . SOCKET;
}

sub frame {
  my $frame = pack '(N/a)*', @_;
  return pack('N', length $frame) . $frame;
}

sub send_frame {
  return unless attached();
  push @queued, frame(@_);
  $queued_bytes += length $queued[-1];
}

sub ok { my ($request, @values) = @_; send_frame('reply', $request, 'ok', @values) }

sub failed { my ($request, @reason) = @_; send_frame('reply', $request, 'error', @reason) }

# Sends what a sandbox has to say, or keeps it while nobody listens to the sandbox.
sub announce {
  my ($box, @frame) = @_;
  if (!$box->{parked}) { send_frame(@frame); return }
  push @{ $box->{held} }, \@frame;
  return unless $frame[0] eq 'notify' && ++$box->{held_notify} > KEPT_NOTIFY;
  my ($oldest) = grep { $box->{held}[$_][0] eq 'notify' } 0 .. $#{ $box->{held} };
  splice @{ $box->{held} }, $oldest, 1;
  $box->{held_notify}--;
}

sub congested { return $queued_bytes + length($sending) - $sent >= OUT_HIGH }

# The descriptor to wait for, while something waits to be sent.
sub waiting_writer { return attached() && (@queued || $sending ne '') ? fileno $output : undef }

sub flush_out {
  while (attached()) {
    if ($sending eq '') {
      return unless @queued;
      @sending = splice @queued, 0, 64;
      ($sending, $sent) = (join('', @sending), 0);
      $queued_bytes -= length $sending;
    }
    my $written = syswrite $output, $sending, length($sending) - $sent, $sent;
    if (!defined $written) {
      part() unless $! == EAGAIN || $! == EINTR;
      return;
    }
    $sent += $written;
    ($sending, $sent, @sending) = ('', 0) if $sent == length $sending;
  }
}

sub read_commands {
  my $got = sysread $input, $in, READ_SIZE, length $in;
  if (!defined $got) { part() unless $! == EAGAIN || $! == EINTR; return }
  if ($got == 0) { part(); return }
  my $at = 0;
  while (attached() && length($in) - $at >= 4) {
    my $length = unpack 'N', substr $in, $at, 4;
    if ($length > FRAME_MAX) { part(); return }
    last if length($in) - $at < 4 + $length;
    $dispatch->(unpack '(N/a)*', substr $in, $at + 4, $length);
    $at += 4 + $length;
  }
  substr($in, 0, $at, '') if $at;
}

sub part {
  my $begun = $sent;
  my @unsent = grep { my $whole = $begun >= length; $begun -= length; !$whole } @sending;
  push @unsent, @queued;
  (@queued, @sending) = ();
  ($queued_bytes, $sending, $sent) = (0, '', 0);
  remove_watch(fileno $input);
  close $_ for $input, $output;
  ($input, $output, $in) = (undef, undef, '');
  $lost->(map { [unpack '(N/a)*', substr $_, 4] } @unsent);
}

1;
