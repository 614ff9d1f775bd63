--TEST--
An overloaded node is passed over for the call and taken out only if it stays so
--INI--
amm.shm_path={TMP}/health-failures_to_open.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['writers' => 'single', 'failures_to_open' => 1]);
$breaker = fn () => $cluster->status()['nodes']['10.0.0.1:3306']['breaker'];
$connect = function () use ($cluster) {
    Amm\Cluster::beginScope();
    $dialled = [];
    $cluster->connect(function ($node) use (&$dialled) {
        $dialled[] = $node->host;

        return $node->host === '10.0.0.1' ? throw pdoError(1040, 'Too many connections') : new stdClass;
    });
    Amm\Cluster::endScope();

    return implode(' ', $dialled);
};

echo $connect(), ': ', $breaker(), "\n";
echo $connect(), ': ', $breaker(), "\n";

check('opens in the end', within(5, fn () => $connect() === '10.0.0.2'));
echo $breaker(), "\n";
?>
--EXPECT--
10.0.0.1 10.0.0.2: closed
10.0.0.1 10.0.0.2: closed
ok: opens in the end
open
