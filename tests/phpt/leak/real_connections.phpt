--TEST--
A worker's memory stays flat over connections to real servers (a thousand; five with AMM_LONG)
--EXTENSIONS--
pdo_mysql
--SKIPIF--
<?php
if (! getenv('AMM_TEST_NODES')) die('skip AMM_TEST_NODES names no servers');
if (getenv('USE_ZEND_ALLOC') === '0') die('skip a checker of memory has its own');
?>
--INI--
amm.shm_path={TMP}/leak-real_connections.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

use Amm\Node;

const ALLOWED_KIB = 512;
$nodes = explode(',', getenv('AMM_TEST_NODES'));
$cluster = cluster(['writers' => 'spread', 'nodes' => $nodes]);
$dial = fn (Node $node, float $seconds) => new PDO(
    "mysql:host={$node->host};port={$node->port}", getenv('AMM_TEST_USER'), getenv('AMM_TEST_PASSWORD') ?: '', [PDO::ATTR_TIMEOUT => 2, PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION],
);
$connect = function (int $turns) use ($cluster, $dial) {
    for ($i = 0; $i < $turns; $i++) {
        $handle = $cluster->connect($dial, "key $i");
        $handle->query('SELECT 1')->fetchAll();
        assert($cluster->isAlive($handle) && ! $cluster->wasCut($handle));
        // The server's own error, reported.
        $i % 10 === 0 && $cluster->report($cluster->nodeOf($handle), thrown(fn () => $handle->query('SELECT nonsense')));
    }
};
$resident = function () {
    preg_match('/VmRSS:\s+(\d+)/', file_get_contents('/proc/self/status'), $found);

    return (int) $found[1];
};

$connect(300);
$before = [memory_get_usage(), $resident()];
$before = [memory_get_usage(), $resident()];
$connect(getenv('AMM_LONG') ? 5_000 : 1_000);
$grown = [memory_get_usage() - $before[0], $resident() - $before[1]];
check('flat', $grown[0] <= 1_024 && $grown[1] <= ALLOWED_KIB, $grown);
check('no descriptor is left open', count(scandir('/proc/self/fd')) < 20, count(scandir('/proc/self/fd')));
?>
--EXPECT--
ok: flat
ok: no descriptor is left open
