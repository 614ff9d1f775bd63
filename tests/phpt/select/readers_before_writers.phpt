--TEST--
reader() prefers readers, those of the own zone first, and falls back to a writer
--INI--
amm.shm_path={TMP}/select-readers_before_writers.shm
amm.zone=eu-1a
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['nodes' => [
    'w1',
    ['host' => 'far', 'role' => 'reader', 'zone' => 'eu-1b'],
    ['host' => 'near', 'role' => 'reader', 'zone' => 'eu-1a'],
]]);

check('the near reader, whatever the key', array_unique(array_map(fn ($i) => $cluster->reader("k$i")->host, range(1, 50))) === ['near']);
check('the same object', $cluster->reader() === $cluster->reader());
check('has its zone', $cluster->reader()->zone === 'eu-1a');

$cluster->report($cluster->reader(), 2002);
check('then the far one', $cluster->reader()->host === 'far', $cluster->reader()->host);

$cluster->disable('far:3306');
check('then a writer', $cluster->reader()->host === 'w1', $cluster->reader()->host);
check('writers never were readers', $cluster->writer()->host === 'w1');

$cluster = cluster(['nodes' => ['w1', 'w2', 'w3']], 'writers');
check('a writer where there is no reader', in_array($cluster->reader()->host, ['w1', 'w2', 'w3']));

$cluster = cluster(['nodes' => ['w1', ['host' => 'r1', 'role' => 'reader'], ['host' => 'r2', 'role' => 'reader']]], 'spread');
$seen = array_unique(array_map(fn ($i) => $cluster->reader("k$i")->host, range(1, 50)));
sort($seen);
check('readers are spread by key', $seen === ['r1', 'r2'], $seen);
?>
--EXPECT--
ok: the near reader, whatever the key
ok: the same object
ok: has its zone
ok: then the far one
ok: then a writer
ok: writers never were readers
ok: a writer where there is no reader
ok: readers are spread by key
