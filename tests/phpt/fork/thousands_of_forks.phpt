--TEST--
Thousands of forks while the monitor works and logs: no child and no parent waits for a lock that a thread held
--EXTENSIONS--
pcntl
--INI--
amm.shm_path={TMP}/fork-thousands_of_forks.shm
amm.monitor=auto
amm.log_level=trace
error_log=/dev/null
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$config = ['writers' => 'single', 'username' => 'amm', 'probe_interval' => '20ms', 'probe_interval_suspect' => '20ms'];
$clusters = array_map(fn ($port) => cluster($config + ['nodes' => ["127.0.0.1:$port"]], "c$port"), closedPorts(3));
$connect = fn (Amm\Cluster $cluster) => $cluster->connect(fn () => new stdClass);
array_map($connect, $clusters);
check('it probes', within(5, fn () => array_filter($clusters, fn ($c) => $c->status()['leader'] === null) === []));

$forks = getenv('AMM_LONG') ? 20_000 : 2_000;
$failed = [];
for ($i = 0; $i < $forks && count($failed) < 3; $i++) {
    $pid = pcntl_fork();

    if ($pid === 0) {
        // The first needs everything anew; some fork on; some are killed at once.
        $i % 4 === 0 && $connect($clusters[$i % 3]);
        if ($i % 50 === 0 && ($next = pcntl_fork()) > 0) {
            pcntl_waitpid($next, $status);
            exit($status);
        }
        $i % 3 === 0 && posix_kill(posix_getpid(), 9);
        exit(0);
    }

    // The parent's thread has something to do, and its lock is taken, meanwhile.
    $clusters[$i % 3]->report($clusters[$i % 3]->candidates()[0], 2013);
    for ($waits = 0; ! ($done = pcntl_waitpid($pid, $status, WNOHANG) === $pid) && $waits < 20_000; $waits++) {
        usleep(200);
    }
    if (! $done || (pcntl_wifsignaled($status) ? pcntl_wtermsig($status) !== 9 : ! in_array($status, [0, 9 << 8], true))) {
        $failed[] = [$i, $done, $status];
        $done || posix_kill($pid, 9);
    }
}

check('all children ended', $failed === [], $failed);
check('the parent leads on', $clusters[0]->status()['leader']['pid'] === getmypid());
check('its thread is there', count(preg_grep('/^amm$/m', array_map('file_get_contents', glob('/proc/self/task/*/comm')))) === 1);
?>
--EXPECT--
ok: it probes
ok: all children ended
ok: the parent leads on
ok: its thread is there
