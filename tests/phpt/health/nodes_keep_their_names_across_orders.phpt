--TEST--
A node is the same in definitions that list the nodes in another order, or restrict them otherwise
--INI--
amm.shm_path={TMP}/health-nodes_keep_their_names_across_orders.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$define = fn (string $name, array $nodes) => Amm\Cluster::define($name, ['flavour' => 'galera', 'nodes' => $nodes]);
$one = $define('one', ['10.0.0.1', '10.0.0.2']);
$other = $define('other', ['10.0.0.2', '10.0.0.1']);

$node = $one->writer();
check('chosen', $node->id === '10.0.0.1:3306');
check('the other definition has its own order', $other->writer()->id === '10.0.0.2:3306');

$dialled = [];
$other->connect(function (Amm\Node $node) use (&$dialled) {
    $dialled[] = $node->id;

    return new stdClass;
});
check('and dials by it', $dialled === ['10.0.0.2:3306'], $dialled);

$other->report($node, 1290);
$nodes = $one->status()['nodes'];
check('the named one is blamed', $nodes['10.0.0.1:3306']['role'] === 'reader' && $nodes['10.0.0.2:3306']['role'] === 'unknown', $nodes);

$without = $define('without', [['host' => '10.0.0.1'], ['host' => '10.0.0.2', 'admin' => 'disabled']]);
check('a choice made elsewhere does not override what is configured here',
    thrown(fn () => $without->writer()) instanceof Amm\Exception\NoWriterAvailable);
?>
--EXPECT--
ok: chosen
ok: the other definition has its own order
ok: and dials by it
ok: the named one is blamed
ok: a choice made elsewhere does not override what is configured here
