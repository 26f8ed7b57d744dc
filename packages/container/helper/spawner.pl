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
# lock-wait-ms=N, grace-ms=N (between SIGTERM and SIGKILL once the daemon is gone), adopt-ms=N (how
# long to wait for another daemon before that; 0: not at all) and socket=DIR (where it comes to).
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Cwd ();
use Fcntl qw(O_DIRECTORY O_RDONLY);
use File::Basename ();
use POSIX ();
use lib File::Basename::dirname(Cwd::abs_path(__FILE__));
use Child;
use Conversation;
use Listeners;
use Members;
use Notes;
use Notify;
use Setup;
use System;
use Watch;

use constant {
  VERSION      => 2,
  READ_SIZE    => 65536,
  LINGER_S     => 0.25,        # backstop: looks at sandboxes whose main processes are gone
  REMOVE_S     => 0.005,
  REMOVE_MAX_S => 10,
  KEPT_CREDIT  => 256 << 10,   # output held of a sandbox while there is no daemon
  KEPT_ENDED   => 256,         # ended processes that a sandbox remembers
};

my (@locks, $lock_wait_ms, $grace_ms);
my (%sandbox, %process);             # by id; by pid
my ($adopt_s, $hold_until, $orphaned_until, @adopting);
my $launching = 0;                   # programs under way that will leave a pid file
my %early_exit;                      # statuses of unknown children, kept only meanwhile
my ($over, $quit) = (0, 0);
my ($blocked, $oom_adjust);          # signals; what oom_score_adj was
open(my $null, '<', '/dev/null') or die "/dev/null: $!";

sub main {
  my %option = ('lock-wait-ms' => 10_000, 'grace-ms' => 0, 'adopt-ms' => 0);
  for (@ARGV) {
    my ($name, $value) = split /=/, $_, 2;
    if ($name eq 'lock') { push @locks, $value } else { $option{$name} = $value }
  }
  ($lock_wait_ms, $grace_ms) = @option{qw(lock-wait-ms grace-ms)};
  $0 = 'flotilla-spawner';
  my $signals = eval {
    $blocked = block_signals();
    die 'machine ' . (POSIX::uname())[4] . " is not supported\n" unless $SYS;
    take_locks($lock_wait_ms, @locks);
    become_subreaper();
    $oom_adjust = spare_from_oom();
    open_signalfd();
  };
  if (!$signals) { chomp(my $reason = $@); refuse($reason) }
  converse(dispatch => \&dispatch, lost => \&daemon_lost);
  $adopt_s = $option{'adopt-ms'} / 1000;
  if ($adopt_s > 0) {
    listen_in($option{socket}) or refuse("$option{socket}: $!");
  }
  # Away from 0 and 1, which no other file may ever take: children are given theirs there.
  open(my $input, '<&', \*STDIN) && open(my $output, '>&', \*STDOUT)
    && open(STDIN, '<', '/dev/null') && open(STDOUT, '>', '/dev/null') or refuse("dup: $!");
  attach($input, $output);
  add_watch(fileno($signals), sub { sysread $signals, my $ignored, 4096; reap() }, 0);
  send_frame('ready', VERSION, $$);
  turn() until $over;
  end_conversation();
  stop_everything();
  exit 0;
}

sub refuse {
  refuse_client(\*STDOUT, @_);
  exit 1;
}

# ---- the loop -------------------------------------------------------------------------------

sub turn {
  flush_out() if wait_readable(!congested(), waiting_writer(), pause_length());
  look_at_lingering();
  answer_adopters() if @adopting;
  $over = 1 if defined $orphaned_until && boot_seconds() >= $orphaned_until;
  flush_out();
}

sub pause_length {
  my $pause = defined $orphaned_until ? $orphaned_until - boot_seconds() : undef;
  $pause = 0 if defined $pause && $pause < 0;
  for (values %sandbox) {
    return REMOVE_S if $_->{removing};
    next unless $_->{occupied} && !%{ $_->{main} };
    $pause = LINGER_S unless defined $pause && $pause < LINGER_S;
  }
  return $pause;
}

my %command = (
  sandbox      => \&make_sandbox,
  exec         => \&start_process,
  signal       => \&signal_one,
  'signal-all' => sub { my ($request, $box, $number) = @_; signal_all($box, $number); ok($request) },
  pids         => sub { my ($request, $box) = @_; ok($request, members($box)) },
  remove       => \&remove_sandbox,
  resume       => \&resume_sandbox,
  watch        => \&watch_orphan,
);

# Messages of no sandbox; those of the second kind have no request number and no answer.
my %unsandboxed = (
  arm      => \&arm_listener,
  listen   => \&make_listener,
  unlisten => \&close_listener,
);
my %unanswered = (
  connected => sub { send_frame('ready', VERSION, $$) },
  credit    => \&add_credit,
  adopt     => sub { push @adopting, @_ },
  hold      => sub { $hold_until = boot_seconds() + $_[0] / 1000 },
  note      => \&take_note,
  quit      => sub { $quit = 1 },
);

sub dispatch {
  my ($name, @fields) = @_;
  if ($unanswered{$name}) { $unanswered{$name}->(@fields); return }
  if ($unsandboxed{$name}) { $unsandboxed{$name}->(@fields); return }
  my ($request, $id, @rest) = @fields;
  my $handler = $command{$name};
  if (!$handler) { failed($request, 'protocol', "unknown command $name"); return }
  my $subject = $name eq 'sandbox' ? $id : $sandbox{$id};
  if (!defined $subject) { failed($request, 'not-found', "no sandbox $id"); return }
  $handler->($request, $subject, @rest);
}

# ---- sandboxes ------------------------------------------------------------------------------

sub make_sandbox {
  my ($request, $id, $track, $notify, $credit, $clone, @procs) = @_;
  if ($sandbox{$id}) { failed($request, 'exists', "sandbox $id exists"); return }
  my $box = {
    id => $id, track => $track, procs => \@procs, credit => $credit, notify => $notify,
    main => {}, pipes => {}, occupied => 0, ended => [], held => [],
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
    announce($box, 'notify', $box->{id}, $pid, $data);
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
    next if $box->{parked} && !$box->{removing};
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
  # Ended processes know their sandbox: without this neither would ever be freed.
  $box->{ended} = [];
  delete $sandbox{ $box->{id} };
  ok($box->{removing});
}

# ---- processes ------------------------------------------------------------------------------

sub start_process {
  my ($request, $box, @settings) = @_;
  my %spec = map { $_ => [] } qw(arg env supplementary rlimit detach-mount fd);
  while (my ($key, $value) = splice @settings, 0, 2) {
    if (ref $spec{$key}) { push @{ $spec{$key} }, $value } else { $spec{$key} = $value }
  }
  pipe(my $stdout, my $stdout_child) && pipe(my $stderr, my $stderr_child)
    && pipe(my $report, my $report_child)
    or do { failed($request, 'resources', "pipe: $!"); return };
  my ($pid, $joined) = Child::fork_into($box);
  if (!defined $pid) { failed($request, 'resources', "fork: $!"); return }
  if ($pid == 0) {
    my @join = @{ $box->{procs} };
    shift @join if $joined;
    Child::become(
      spec => \%spec, join => \@join, notify => $box->{notify}, oom_adjust => $oom_adjust,
      signals => $blocked, fds => [map { listener_handle($_) } @{ $spec{fd} }], stdin => $null, stdout => $stdout_child, stderr => $stderr_child,
      report => $report_child,
    );
  }
  close $_ for $stdout_child, $stderr_child, $report_child;
  my $process = {
    pid => $pid, box => $box, report => $report, reported => '', request => $request,
    pid_file => $spec{'pid-file'}, tag => $spec{tag} // '', pipes => [$stdout, $stderr],
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
  announce($box, 'output', $box->{id}, $process->{pid}, $stream, $data);
  return 1;
}

# An orphan of the sandbox has become a child of this helper, the subreaper: its end can be told.
sub watch_orphan {
  my ($request, $box, $pid) = @_;
  my ($parent) = (slurp("/proc/$pid/stat") // '') =~ /.*\) \S (\d+)/s;
  if (($parent // 0) != $$ || !grep { $_ == $pid } members($box)) {
    failed($request, 'no-process', "no orphan $pid in sandbox $box->{id}");
    return;
  }
  $process{$pid} //= { pid => $pid, box => $box, tag => '', pipes => [] };
  $box->{main}{$pid} = 1;
  $box->{occupied} = 1;
  ok($request, $pid);
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
    my $pipe = $process->{pipes}[ $stream - 1 ] or next;
    for (1 .. 32) { last unless defined fileno $pipe && read_pipe($process, $pipe, $stream) }
  }
  read_notify($box) if $box->{socket};
  delete $box->{main}{ $process->{pid} };
  $process->{status} = $status;
  push @{ $box->{ended} }, $process;
  shift @{ $box->{ended} } if @{ $box->{ended} } > KEPT_ENDED;
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

# ---- daemons that go and come ---------------------------------------------------------------

# Without its daemon the helper stops everything, at once or when nobody has come in time. What a
# daemon missed waits for the next one: ends for good, output and messages within bounds.
sub daemon_lost {
  my (@unsent) = @_;
  if ($quit || $adopt_s == 0) { $over = 1; return }
  my $now = boot_seconds();
  $orphaned_until //= defined $hold_until ? $hold_until : $now + $adopt_s;
  ($hold_until, @adopting) = (undef);
  for my $box (values %sandbox) {
    if ($box->{track} eq 'none') {
      # Commands of the daemon's own: the next one gives them again.
      $box->{removing} //= '-';
      $box->{deadline} = time + REMOVE_MAX_S;
      signal_all($box, 9);
      next;
    }
    next if $box->{parked};
    $box->{parked} = 1;
    $box->{credit} = KEPT_CREDIT;
    resume_watch($_) for keys %{ $box->{pipes} };
  }
  for my $frame (@unsent) {
    my ($name, $id) = @$frame;
    next unless $name eq 'output' || $name eq 'notify';
    announce($sandbox{$id}, @$frame) if $sandbox{$id};
  }
}

# A new daemon is told what there is, once nothing is half done.
sub answer_adopters {
  return if $launching || grep { $_->{removing} } values %sandbox;
  undef $orphaned_until;
  for my $box (values %sandbox) {
    send_frame('kept-sandbox', $box->{id});
    for my $process (@{ $box->{ended} }, grep { $_->{box} == $box } values %process) {
      send_frame('kept-process', $box->{id}, $process->{pid}, $process->{tag},
        $process->{report} ? 0 : 1, $process->{status} // '', @{ $process->{failure} // [] });
    }
  }
  send_frame('kept-note', @$_) for notes();
  ok($_) for splice @adopting;
}

# The daemon listens to a sandbox that it found: first to what was held.
sub resume_sandbox {
  my ($request, $box, $credit) = @_;
  delete $box->{parked};
  $box->{credit} = $credit;
  ok($request);
  for my $frame (splice @{ $box->{held} }) {
    $box->{credit} -= length $frame->[4] if $frame->[0] eq 'output';
    send_frame(@$frame);
  }
  $box->{held_notify} = 0;
  # Its end is told again: who told it before may have been the one that died.
  $box->{occupied} = 1;
  add_credit($box->{id}, 0);
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
