--TEST--
A child forked within a dial ends, or works on, without giving back the claim its parent dials under
--EXTENSIONS--
pcntl
--INI--
amm.shm_path={TMP}/fork-a_fork_within_a_dial.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$config = ['writers' => 'single', 'nodes' => ['10.0.0.1']];
$cluster = cluster($config + ['connect_deadline' => '30s', 'connect_timeout' => '30s']);
$config += ['connect_deadline' => '300ms', 'connect_timeout' => '300ms'];
$cluster->report($cluster->writer(), 2002);

/** Whether another process gets a dial of the only node. */
$another = fn (): bool => inAnotherProcess(
    'try { cluster(' . var_export($config, true) . ')->connect(fn () => new stdClass); echo "dialled"; } catch (Amm\Exception\AmmException) { echo "waited"; }'
) === 'dialled';

$fork = function (callable $work): int {
    $pid = pcntl_fork();
    if ($pid === 0) {
        $work();
        exit(0);
    }
    $done = within(5, function () use ($pid, &$status) { return pcntl_waitpid($pid, $status, WNOHANG) === $pid; });
    $done || posix_kill($pid, 9);

    return $done ? $status : -1;
};

$handle = $cluster->connect(function (Amm\Node $node) use ($cluster, $config, $fork, $another) {
    check('the dial is the only one', ! $another());
    check('a child that ends', $fork(fn () => null) === 0 && ! $another());
    check('a child that dials itself', $fork(function () use ($config) {
        try {
            cluster($config)->connect(fn () => throw new LogicException('its own'));
        } catch (Amm\Exception\AmmException) {
        }
    }) === 0 && ! $another());
    check('a child that says it dialled', $fork(fn () => $cluster->succeeded($node)) === 0 && ! $another());
    check('a child that says it failed', $fork(fn () => $cluster->report($node, 2002)) === 0 && ! $another());
    check('a grandchild', $fork(fn () => exit($fork(fn () => null))) === 0 && ! $another());
    check('a child that is killed', $fork(fn () => posix_kill(posix_getpid(), 9)) === 9 && ! $another());

    return new stdClass;
});

check('the parent has its handle', $cluster->nodeOf($handle)?->id === '10.0.0.1:3306' && $cluster->isCurrent($handle));
check('and others dial again', $another());
?>
--EXPECT--
ok: the dial is the only one
ok: a child that ends
ok: a child that dials itself
ok: a child that says it dialled
ok: a child that says it failed
ok: a grandchild
ok: a child that is killed
ok: the parent has its handle
ok: and others dial again
