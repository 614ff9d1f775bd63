--TEST--
A parent that only defined a cluster forks workers that share one view
--EXTENSIONS--
pcntl
--INI--
amm.shm_path={TMP}/fork-children_of_an_unused_parent.shm
amm.monitor=auto
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['writers' => 'single']);

$run = function (callable $work) {
    $pid = pcntl_fork();

    if ($pid === 0) {
        exit($work() ? 0 : 1);
    }

    $status = null;
    $done = within(5, function () use ($pid, &$status) { return pcntl_waitpid($pid, $status, WNOHANG) === $pid; });
    $done || posix_kill($pid, 9);

    return $done && pcntl_wexitstatus($status) === 0;
};

check('one reports', $run(fn () => $cluster->report($cluster->writer(), 2002) === Amm\Verdict::Down));
check('another one knows', $run(fn () => $cluster->writer()->id === '10.0.0.2:3306'));
check('a third one forks again', $run(fn () => $run(fn () => $cluster->writer()->id === '10.0.0.2:3306')));
check('the parent knows', $cluster->writer()->id === '10.0.0.2:3306');
check('ends with status 0', inAnotherProcess('cluster()->connect(fn () => new stdClass); if (pcntl_fork() === 0) { exit; } pcntl_wait($s); echo "status $s";', ['amm.monitor' => 'auto']) === 'status 0');
?>
--EXPECT--
ok: one reports
ok: another one knows
ok: a third one forks again
ok: the parent knows
ok: ends with status 0
