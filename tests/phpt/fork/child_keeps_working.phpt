--TEST--
A forked child goes on working, sees what its parent sees, and neither hangs at exit
--EXTENSIONS--
pcntl
--INI--
amm.shm_path={TMP}/fork-child_keeps_working.shm
amm.monitor=auto
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

[$a, $b] = closedPorts(2);
$config = ['writers' => 'single', 'username' => 'amm', 'nodes' => ["127.0.0.1:$a", "127.0.0.1:$b"]];
$cluster = cluster($config);
$handle = $cluster->connect(fn ($node) => new ArrayObject([$node->id]));
$node = $cluster->writer();
$start = microtime(true);

$children = [];
for ($i = 0; $i < 8; $i++) {
    $pid = pcntl_fork();

    if ($pid === 0) {
        $well = $cluster->nodeOf($handle)?->id === $node->id
            && $cluster->connect(fn ($node) => new stdClass) instanceof stdClass
            && count($cluster->status()['nodes']) === 2;

        if ($i === 0) {
            $cluster->disable($node->id);
        }

        exit($well ? 0 : 1);
    }

    $children[] = $pid;
}

$failed = [];
foreach ($children as $pid) {
    $done = within(5, fn () => pcntl_waitpid($pid, $status, WNOHANG) === $pid && ($GLOBALS['status'] = $status) !== null);

    if (! $done || ! pcntl_wifexited($status) || pcntl_wexitstatus($status) !== 0) {
        $failed[] = [$pid, $done, $done ? $status : null];
        $done || posix_kill($pid, 9);
    }
}

check('all children ended well', $failed === [], $failed);
check('in time', microtime(true) - $start < 5);
check('the parent sees what a child did', ! $cluster->isCurrent($node) && $cluster->writer()->id === "127.0.0.1:$b");
check('the parent goes on', $cluster->connect(fn ($node) => $node->id) === "127.0.0.1:$b");

// A child that is killed leaves nothing behind that others would wait for.
$pid = pcntl_fork();
if ($pid === 0) {
    $cluster->connect(fn () => posix_kill(posix_getpid(), 9));
}
pcntl_waitpid($pid, $status);
check('killed in the middle of a dial', pcntl_wifsignaled($status) && $cluster->connect(fn ($node) => $node->id) === "127.0.0.1:$b");
?>
--EXPECT--
ok: all children ended well
ok: in time
ok: the parent sees what a child did
ok: the parent goes on
ok: killed in the middle of a dial
