# DBD::Pg: named statements from the second use on, freed by DEALLOCATE in SQL; savepoints, COPY, notifications.
use strict;
use warnings;
use DBI;
use DBD::Pg qw(:async);
use JSON::PP;

$| = 1;
binmode STDIN, ":encoding(UTF-8)";
binmode STDOUT, ":encoding(UTF-8)";
my $json = JSON::PP->new->canonical->allow_nonref->allow_blessed->allow_unknown;
my %open;

sub connect_it {
    my (%more) = @_;
    my $dsn = "dbi:Pg:host=$ENV{PGHOST};port=$ENV{PGPORT};dbname=$ENV{PGDATABASE}" . (delete $more{dsn} // "");
    my $dbh = DBI->connect($dsn, $ENV{PGUSER}, $ENV{PGPASSWORD}, { RaiseError => 1, PrintError => 0, PrintWarn => 0, AutoCommit => 1, %more })
        or die DBI->errstr;
    return $dbh;
}

sub fetched {
    my ($sth) = @_;
    my $columns = $sth->{NUM_OF_FIELDS} || 0;
    return [$columns ? [@{ $sth->{NAME} }] : [], $columns ? $sth->fetchall_arrayref : [], $sth->rows];
}

sub caught {
    my ($work) = @_;
    my $answer = eval { $work->() };
    # The driver's names of statements have its process number.
    return $@ ? "error " . ($DBI::state // "") . " " . ($@ =~ s/ at \S+ line \d+.*//sr =~ s/dbdpg_p\d+_/dbdpg_/gr) : $answer;
}

my %own = (
    statements_again => sub {
        my $dbh = connect_it();
        my @answers;
        my $one = $dbh->prepare("SELECT ?::int + 1");
        my $two = $dbh->prepare("SELECT ?::text || 'x'");
        for my $i (0 .. 9) {
            $one->execute($i); push @answers, $one->fetchall_arrayref;
            $two->execute("t$i"); push @answers, $two->fetchall_arrayref;
        }
        $one->finish; undef $one;
        push @answers, $dbh->selectall_arrayref("SELECT ?::int", undef, 5);
        return \@answers;
    },
    statements_made_and_freed => sub {
        my $dbh = connect_it();
        $dbh->{pg_switch_prepared} = 1;
        my @answers;
        for my $i (0 .. 40) {
            my $sth = $dbh->prepare("SELECT $i, ?::int");
            $sth->execute($_), push @answers, $sth->fetchall_arrayref for 1 .. 2;
        }
        return \@answers;
    },
    prepared_at_once => sub {
        my $dbh = connect_it();
        my @answers;
        for my $i (0 .. 9) {
            my $sth = $dbh->prepare("SELECT ?::int * 2", { pg_prepare_now => 1 });
            $sth->execute($i); push @answers, $sth->fetchall_arrayref;
        }
        my $named = $dbh->prepare("SELECT 7", { pg_prepare_name => "dbd_own_name", pg_prepare_now => 1 });
        $named->execute for 1 .. 3;
        push @answers, $named->fetchall_arrayref;
        return \@answers;
    },
    no_server_prepare => sub {
        my $dbh = connect_it(pg_server_prepare => 0);
        return [map { $dbh->selectall_arrayref("SELECT ?::int, ?::text", undef, $_, "it's") } 1 .. 5];
    },
    failing_statements => sub {
        my $dbh = connect_it();
        my @answers;
        my $sth = $dbh->prepare("SELECT 1 / ?::int");
        for my $i (0, 1, 0, 1, 0) { push @answers, caught(sub { $sth->execute($i); $sth->fetchall_arrayref }) }
        my $none = $dbh->prepare("SELECT * FROM dp_none WHERE i = ?");
        push @answers, caught(sub { $none->execute(1) }) for 1 .. 3;
        $dbh->do("CREATE TABLE dp_none (i int)");
        push @answers, caught(sub { $none->execute(1); $none->fetchall_arrayref });
        $dbh->do("DROP TABLE dp_none");
        return \@answers;
    },
    transactions => sub {
        my $dbh = connect_it(AutoCommit => 0);
        my @answers;
        $dbh->do("CREATE TABLE dp_t (i int)"); $dbh->commit;
        my $insert = $dbh->prepare("INSERT INTO dp_t VALUES (?)");
        $insert->execute($_) for 1 .. 5;
        $dbh->pg_savepoint("one");
        push @answers, caught(sub { $insert->execute("x") });
        $dbh->pg_rollback_to("one");
        $insert->execute(6); $dbh->pg_release("one"); $dbh->commit;
        $insert->execute(7); $dbh->rollback;
        push @answers, $dbh->selectall_arrayref("SELECT count(*), max(i) FROM dp_t");
        push @answers, $dbh->ping;
        $dbh->do("DROP TABLE dp_t"); $dbh->commit; $dbh->disconnect;
        return \@answers;
    },
    copy => sub {
        my $dbh = connect_it();
        $dbh->do("CREATE TABLE dp_copy (i int, t text)");
        $dbh->do("COPY dp_copy FROM STDIN");
        $dbh->pg_putcopydata("$_\trow $_\n") for 1 .. 3000;
        my @answers = ($dbh->pg_putcopyend);
        $dbh->do("COPY dp_copy TO STDOUT");
        my ($line, $size) = ("", 0);
        $size += length $line while $dbh->pg_getcopydata($line) >= 0;
        push @answers, $size;
        push @answers, caught(sub { $dbh->do("COPY dp_copy FROM STDIN"); $dbh->pg_putcopydata("x\ty\n"); $dbh->pg_putcopyend });
        push @answers, $dbh->selectall_arrayref("SELECT count(*) FROM dp_copy");
        $dbh->do("DROP TABLE dp_copy");
        return \@answers;
    },
    notifications => sub {
        my ($listener, $sender) = (connect_it(), connect_it());
        $listener->do("LISTEN dp_news");
        $sender->do("NOTIFY dp_news, 'one'");
        my $end = time + 15;
        my $got;
        until ($got = $listener->pg_notifies) { last if time > $end; $listener->ping; select undef, undef, undef, 0.02 }
        return [$got->[0], $got->[2], $got->[1] == $sender->{pg_pid} ? 1 : 0];
    },
    asynchronous => sub {
        my $dbh = connect_it();
        $dbh->do("SELECT pg_sleep(0.2), 5", { pg_async => PG_ASYNC });
        my @answers = ($dbh->pg_result);
        $dbh->do("SELECT pg_sleep(20)", { pg_async => PG_ASYNC });
        push @answers, caught(sub { $dbh->pg_cancel });
        push @answers, $dbh->selectall_arrayref("SELECT 'after'");
        return \@answers;
    },
    last_insert_id => sub {
        my $dbh = connect_it();
        $dbh->do("CREATE TABLE dp_id (i serial, t text)");
        my @answers;
        for (1 .. 5) {
            $dbh->do("INSERT INTO dp_id (t) VALUES (?)", undef, "x");
            push @answers, caught(sub { $dbh->last_insert_id(undef, undef, "dp_id", undef) });
        }
        $dbh->do("DROP TABLE dp_id");
        return \@answers;
    },
    catalog => sub {
        my $dbh = connect_it();
        $dbh->do("CREATE TABLE dp_cat (i int PRIMARY KEY, t text NOT NULL)");
        my @answers = ($dbh->primary_key(undef, undef, "dp_cat"));
        push @answers, scalar @{ $dbh->column_info(undef, undef, "dp_cat", undef)->fetchall_arrayref };
        push @answers, scalar @{ $dbh->table_info(undef, undef, "dp_cat", undef)->fetchall_arrayref };
        $dbh->do("DROP TABLE dp_cat");
        return \@answers;
    },
    attributes => sub {
        my $dbh = connect_it(dsn => ";application_name=dp;options='-c work_mem=6MB'");
        return [map { $dbh->selectall_arrayref("SELECT current_setting('application_name'), current_setting('work_mem')") } 1 .. 3];
    },
    terminated => sub {
        my $dbh = connect_it();
        return [caught(sub { $dbh->do("SELECT pg_terminate_backend(pg_backend_pid())") }), caught(sub { $dbh->do("SELECT 1") }), $dbh->ping ? 1 : 0];
    },
);

sub step {
    my ($name, $verb, $sql, @words) = @_;
    return join " ", sort keys %own if $verb eq "list";
    return $json->encode($own{$sql}->()) if $verb eq "own";
    if ($verb eq "end") { $_->disconnect for values %open; %open = (); return "end" }
    if ($verb eq "close") { (delete $open{$name})->disconnect; return "closed" }
    my $dbh = $open{$name} //= connect_it();
    my $notes = "";
    local $SIG{__WARN__} = sub { $notes .= $_[0] };
    local $dbh->{PrintWarn} = 1;
    my $answer;
    if ($verb eq "run" && $sql =~ /^\s*(SELECT|SHOW|FETCH|EXECUTE|EXPLAIN)/i && $sql !~ /;/) {
        my $sth = $dbh->prepare($sql, { pg_direct => 1 });
        $sth->execute;
        $answer = fetched($sth);
    } elsif ($verb eq "run") { $answer = $dbh->do($sql) }
    elsif ($verb eq "ask") {
        my @values = map { $_ eq "n" ? undef : substr $_, 1 } @words;
        my $sth = $dbh->prepare_cached($sql =~ s/\$\d+/?/gr);
        $sth->execute(@values);
        $answer = fetched($sth);
    } elsif ($verb eq "begin") { $answer = $dbh->begin_work }
    elsif ($verb eq "commit") { $answer = $dbh->commit }
    else { $answer = $dbh->rollback }
    $notes =~ s/ at \S+ line \d+.*?$//mg;
    return $json->encode($answer) . $notes;
}

while (my $line = <STDIN>) {
    chomp $line;
    my @words = map { s/\\(.)/$1 eq "t" ? "\t" : $1 eq "n" ? "\n" : $1/ger } split /\t/, $line, -1;
    my $answer = caught(sub { step(@words) });
    print $answer =~ s/\n/\\n/gr, "\n";
}
