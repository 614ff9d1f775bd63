--TEST--
single: the highest priority is the writer of everyone, then the order of the configuration
--INI--
amm.shm_path={TMP}/select-single_by_priority_then_order.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$order = fn (array $nodes) => implode(' ', array_map(fn ($id) => $id[0], ids(cluster(['writers' => 'single', 'nodes' => $nodes], 'c' . ++$GLOBALS['n'])->candidates())));
$n = 0;

echo $order(['a', 'b', 'c']), "\n";
echo $order(['c', 'b', 'a']), "\n";
echo $order(['a', ['host' => 'b', 'priority' => 1], ['host' => 'c', 'priority' => 2]]), "\n";
echo $order([['host' => 'a', 'priority' => -1], 'b', ['host' => 'c', 'weight' => 100]]), "\n";

$cluster = cluster(['writers' => 'single', 'nodes' => ['a', ['host' => 'b', 'priority' => 1], 'c']], 'last');
echo implode(' ', array_unique(array_map(fn ($key) => $cluster->writer($key)->host, ['x', 'y', 'z', null]))), "\n";
$cluster->report($cluster->writer(), 2002);
echo $cluster->writer()->host, "\n";
?>
--EXPECT--
a b c
c b a
c b a
b c a
b
a
