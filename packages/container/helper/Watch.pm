# Which descriptors to wait for. Two sorts: control (commands, SIGCHLD, reports of children), always
# looked at, and data (output, notify messages), left alone while the daemon lags.
package Watch;
use strict;
use warnings;
use parent 'Exporter';

our @EXPORT = qw(add_watch pause_watch remove_watch resume_watch wait_readable);

my (%callback, %is_data);
my ($control_set, $data_set) = ('', '');

# Waits for what may be read, and for the descriptor $writer if given, at most $seconds (undef: for
# ever); calls back for the readable ones. True when $writer may be written to.
sub wait_readable {
  my ($with_data, $writer, $seconds) = @_;
  my $readable = $with_data ? $control_set | $data_set : $control_set;
  my $writable = '';
  vec($writable, $writer, 1) = 1 if defined $writer;
  return 0 unless select($readable, $writable, undef, $seconds) > 0;
  for my $fd (keys %callback) {
    next unless $fd < 8 * length $readable && vec $readable, $fd, 1;
    $callback{$fd}->() if $callback{$fd};
  }
  return defined $writer && vec $writable, $writer, 1;
}

sub add_watch {
  my ($fd, $call, $data) = @_;
  $callback{$fd} = $call;
  $is_data{$fd} = 1 if $data;
  resume_watch($fd);
}

sub resume_watch {
  my ($fd) = @_;
  if ($is_data{$fd}) { vec($data_set, $fd, 1) = 1 } else { vec($control_set, $fd, 1) = 1 }
}

sub pause_watch {
  my ($fd) = @_;
  if ($is_data{$fd}) { vec($data_set, $fd, 1) = 0 } else { vec($control_set, $fd, 1) = 0 }
}

sub remove_watch {
  my ($fd) = @_;
  pause_watch($fd);
  delete $callback{$fd};
  delete $is_data{$fd};
}

1;
