--TEST--
After its backoff an open breaker admits one dial in the whole host, whose success closes it
--INI--
amm.shm_path={TMP}/health-half_open_admits_one.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$config = ['writers' => 'single', 'backoff' => ['base' => '200ms', 'max' => '200ms', 'jitter' => 0], 'hold_down' => 0, 'slow_start' => 0, 'connect_timeout' => '30s', 'connect_deadline' => '30s'];
$cluster = cluster($config);
$first = $cluster->writer();
$cluster->report($first, 2002);
check('open at once', $cluster->writer()->id === '10.0.0.2:3306');

usleep(300_000);
$dialled = [];
$try = function () use (&$dialled, $cluster) {
    Amm\Cluster::beginScope();
    $dial = function ($node) use (&$dialled, $cluster) {
        $dialled[] = $node->id;

        if (count($dialled) === 1) {
            // While this dial is the trial, nobody else in the host gets to the node.
            $output = inAnotherProcess('echo cluster(json_decode(' . var_export(json_encode($GLOBALS['config']), true) . ', true))->connect(fn ($node) => $node->id);');
            check('meanwhile another process is sent elsewhere', $output === '10.0.0.2:3306', $output);
            check('half-open', $cluster->status()['nodes'][$node->id]['breaker'] === 'half-open', $cluster->status()['nodes'][$node->id]);
        }

        return new stdClass;
    };
    $result = thrown(fn () => $cluster->connect($dial));
    Amm\Cluster::endScope();

    return $result;
};

check('one trial', $try() === null && $dialled === ['10.0.0.1:3306'], $dialled);
check('closed by its success', $cluster->status()['nodes'][$first->id]['breaker'] === 'closed', $cluster->status()['nodes'][$first->id]);
check('everyone is back', $try() === null && $dialled[1] === $first->id, $dialled);
check('old handles are not', ! $cluster->isCurrent($first));
?>
--EXPECT--
ok: open at once
ok: meanwhile another process is sent elsewhere
ok: half-open
ok: one trial
ok: closed by its success
ok: everyone is back
ok: old handles are not
