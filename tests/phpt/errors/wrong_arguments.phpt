--TEST--
Wrong arguments are TypeErrors and ArgumentCountErrors, as everywhere in PHP
--INI--
amm.shm_path={TMP}/errors-wrong_arguments.shm
--FILE--
<?php
declare(strict_types=1);
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster();

$calls = [
    'define() without a configuration' => fn () => Amm\Cluster::define('x'),
    'define() with a string' => fn () => Amm\Cluster::define('x', 'y'),
    'define() with a number for a name' => fn () => Amm\Cluster::define(5, []),
    'get() with null' => fn () => Amm\Cluster::get(null),
    'writer() with an array' => fn () => $cluster->writer([]),
    'connect() without a dial' => fn () => $cluster->connect(),
    'connect() with a number' => fn () => $cluster->connect(5),
    'nodeOf() with a string' => fn () => $cluster->nodeOf('x'),
    'report() without an error' => fn () => $cluster->report($cluster->writer()),
    'report() of no node' => fn () => $cluster->report(new stdClass, 2002),
    'report() of a text' => fn () => $cluster->report($cluster->writer(), '2002'),
    'report() of a fraction' => fn () => $cluster->report($cluster->writer(), 2002.5),
    'isCurrent() with null' => fn () => $cluster->isCurrent(null),
    'drain() without a node' => fn () => $cluster->drain(),
    'retryElsewhere() with a string' => fn () => Amm\Errors::retryElsewhere('down'),
    'status() of nothing' => fn () => (new ReflectionMethod(Amm\Cluster::class, 'status'))->invoke(null),
];

foreach ($calls as $what => $call) {
    $e = thrown($call);
    check($what, $e instanceof TypeError || $e instanceof ReflectionException, $e === null ? null : get_class($e) . ': ' . $e->getMessage());
}

check('nothing came of it', array_sum(array_column($cluster->status()['nodes'], 'failures')) === 0);
?>
--EXPECTREGEX--
(ok: [^\n]+\n){16}ok: nothing came of it
