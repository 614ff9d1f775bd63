--TEST--
candidates() lists every node worth trying for a write, best first
--INI--
amm.shm_path={TMP}/select-candidates_are_ordered.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['writers' => 'spread', 'nodes' => ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', ['host' => '10.0.0.5', 'role' => 'reader']]]);
$all = ids($cluster->candidates('k'));

check('nodes', array_filter($cluster->candidates(), fn ($node) => ! $node instanceof Amm\Node) === []);
check('a list', array_is_list($all));
check('each writer once, no reader', count($all) === 4 && count(array_unique($all)) === 4 && ! in_array('10.0.0.5:3306', $all), $all);
check('the same again', ids($cluster->candidates('k')) === $all);
check('another order for another key', array_filter(range(1, 20), fn ($i) => ids($cluster->candidates("k$i")) !== $all) !== []);
check('writer() is the first', $cluster->writer('k')->id === $all[0]);

$cluster->report($cluster->writer('k'), 2002);
check('without one that is down', ids($cluster->candidates('k')) === array_slice($all, 1), ids($cluster->candidates('k')));

$cluster->disable($all[1]);
check('without one that is disabled', ids($cluster->candidates('k')) === array_slice($all, 2), ids($cluster->candidates('k')));

$cluster->drain($all[2]);
check('without one that drains', ids($cluster->candidates('k')) === array_slice($all, 3), ids($cluster->candidates('k')));
?>
--EXPECT--
ok: nodes
ok: a list
ok: each writer once, no reader
ok: the same again
ok: another order for another key
ok: writer() is the first
ok: without one that is down
ok: without one that is disabled
ok: without one that drains
