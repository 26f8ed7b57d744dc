# Which processes belong to a sandbox, and signals to all of them.
package Members;
use strict;
use warnings;
use System;
use parent 'Exporter';

our @EXPORT = qw(is_empty members signal_all);

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
    kill $number, @new;
  }
}

sub kill_cgroup {
  my ($directory) = @_;
  return $directory =~ m{^/} && -e "$directory/cgroup.kill" && spew("$directory/cgroup.kill", '1');
}

1;
