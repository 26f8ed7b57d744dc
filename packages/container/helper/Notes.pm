# What a daemon wants its successor to find: values by key, in memory, gone with this process, as
# are the processes that they tell of.
package Notes;
use strict;
use warnings;
use parent 'Exporter';

our @EXPORT = qw(notes take_note);

use constant BYTES_MAX => 64 << 20;    # of all values; what is beyond is not kept

my (%note, $bytes);

# An empty value forgets the note.
sub take_note {
  my ($key, $value) = @_;
  my $old = delete $note{$key};
  $bytes = ($bytes // 0) - length($old // '');
  return if $value eq '' || $bytes + length $value > BYTES_MAX;
  $note{$key} = $value;
  $bytes += length $value;
}

sub notes { return map { [$_, $note{$_}] } sort keys %note }

1;
