--TEST--
A dial that dials again does not wait for the trial that it is itself, and a child forked in it gives nothing back
--EXTENSIONS--
pcntl
--INI--
amm.shm_path={TMP}/health-trials_do_not_wait_for_themselves.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = Amm\Cluster::define('main', ['flavour' => 'galera', 'nodes' => ['10.0.0.1'], 'connect_deadline' => '2s']);
$cluster->report($cluster->writer(), 2002);

$began = hrtime(true);
$inner = null;
$outer = $cluster->connect(function () use ($cluster, &$inner) {
    $inner = $cluster->connect(fn () => new stdClass);

    return new stdClass;
});
check('both come through', $inner !== null && $outer !== null);
check('at once', hrtime(true) - $began < 1e9, (hrtime(true) - $began) / 1e6);
check('and close the breaker', $cluster->status()['nodes']['10.0.0.1:3306']['breaker'] === 'closed');

Amm\Cluster::beginScope();
$cluster->report($cluster->writer(), 2002);
$cluster->connect(function () use ($cluster) {
    if (($pid = pcntl_fork()) === 0) {
        exit(0);
    }
    pcntl_waitpid($pid, $status);
    check('the child leaves the breaker alone', $cluster->status()['nodes']['10.0.0.1:3306']['breaker'] !== 'closed');

    return new stdClass;
});
check('the parent closes it', $cluster->status()['nodes']['10.0.0.1:3306']['breaker'] === 'closed');
?>
--EXPECT--
ok: both come through
ok: at once
ok: and close the breaker
ok: the child leaves the breaker alone
ok: the parent closes it
