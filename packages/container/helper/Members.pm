# Which processes belong to a sandbox, and signals to all of them.
package Members;
use strict;
use warnings;
use System;
use parent 'Exporter';

our @EXPORT = qw(deliver end_of is_empty members signal_all);

# Signals whose default is not to end the process (signal(7)), and those that cannot be handled.
my %harmless = map { $_ => 1 } 0, 9, 17, 18, 19, 20, 21, 22, 23, 28;

# Every process of a sandbox: those of its cgroup and the cgroups below, or all descendants.
sub members {
  my ($box) = @_;
  return keys %{ $box->{main} } if $box->{track} eq 'none';
  return descendants() if $box->{track} eq 'tree';
  return cgroup_members($box->{track});
}

sub cgroup_members {
  my ($directory) = @_;
  my @pids = split /\n/, slurp("$directory/cgroup.procs") // '';
  opendir(my $handle, $directory) or return @pids;
  for (readdir $handle) {
    push @pids, cgroup_members("$directory/$_") if !/^\./ && -d "$directory/$_";
  }
  return @pids;
}

sub descendants {
  my %children;
  opendir(my $handle, '/proc') or return;
  for my $pid (grep { /^\d/ } readdir $handle) {
    my $stat = slurp("/proc/$pid/stat") // next;
    # The name, in parentheses, may hold anything.
    my ($state, $parent) = $stat =~ /.*\) (\S) (\d+)/s or next;
    push @{ $children{$parent} }, $pid unless $state eq 'Z' || $state eq 'X';
  }
  my @found = @{ $children{$$} // [] };
  for (my $i = 0; $i < @found; $i++) { push @found, @{ $children{ $found[$i] } // [] } }
  return @found;
}

sub is_empty {
  my ($box) = @_;
  return 0 if %{ $box->{main} };
  return 1 if $box->{track} eq 'none';
  if ($box->{track} ne 'tree') {
    my $events = slurp("$box->{track}/cgroup.events");
    return 1 if defined $events && $events =~ /^populated 0/m;
  }
  return !members($box);
}

sub signal_all {
  my ($box, $number) = @_;
  if ($number == 9 && kill_cgroup($box->{track})) {
    # Linux 6.18 kills whatever clone3 puts into a cgroup that was killed before (it compares the
    # parent's kill_seq with the cgroup's): from now on this cgroup is joined after a plain fork.
    delete $box->{cgroup};
    return;
  }
  my %seen;
  # Again, for those born while the list was read; bounded, for a fork bomb outruns any list.
  for (1 .. 16) {
    my @new = grep { !$seen{$_}++ } members($box);
    last unless @new;
    deliver($box, $number, $_) for @new;
  }
}

# Sends a signal. The kernel keeps from the first process of a container every signal that it does
# not handle, even those that would end any other process (pid_namespaces(7)): such a one is sent
# SIGKILL in its place, and end_of tells of it as what was meant. A service that takes SIGTERM's
# default for granted thus stops in a container as it does outside.
sub deliver {
  my ($box, $number, $pid) = @_;
  return kill $number, $pid unless $box->{main}{$pid} && withheld($pid, $number);
  $box->{stands_for}{$pid} = $number;
  return kill 9, $pid;
}

sub withheld {
  my ($pid, $number) = @_;
  return 0 if $harmless{$number};
  my $status = slurp("/proc/$pid/status") // return 0;
  return 0 unless $status =~ /^NSpid:(?:\s+\d+)+\s+1$/m;
  # Caught, ignored, or blocked (a signalfd, sigwait): it is the process's own business.
  for my $mask ($status =~ /^Sig(?:Blk|Ign|Cgt):\s+([0-9a-f]+)$/mg) {
    my $digit = substr $mask, -1 - int(($number - 1) / 4), 1;
    return 0 if hex($digit) >> ($number - 1) % 4 & 1;
  }
  return 1;
}

# The wait status to tell of a process of the sandbox that ended with this one.
sub end_of {
  my ($box, $pid, $status) = @_;
  my $meant = delete $box->{stands_for}{$pid};
  return defined $meant && ($status & 0x7f) == 9 ? $meant : $status;
}

sub kill_cgroup {
  my ($directory) = @_;
  return $directory =~ m{^/} && -e "$directory/cgroup.kill" && spew("$directory/cgroup.kill", '1');
}

1;
