<?php
// Processes that attach, dial, and end, for a moment: usage: churn.php FOLDER NAME...
// Each named configuration of the folder is a cluster. Tells what a writer that should be there was refused with.
use Amm\Cluster;

$configs = [];
foreach (array_slice($argv, 2) as $name) {
    $configs[$name] = json_decode(file_get_contents("$argv[1]/$name.json"), true);
}
$dial = fn (Amm\Node $node, float $seconds): PDO => new PDO(
    "mysql:host={$node->host};port={$node->port};dbname=shop", 'app', 'app-secret',
    [PDO::ATTR_TIMEOUT => max(1, (int) ceil($seconds)), PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION],
);
$work = function () use ($configs, $dial): void {
    foreach ($configs as $name => $config) {
        Cluster::beginScope();
        try {
            Cluster::define($name, $config)->connect($dial);
        } catch (Throwable $e) {
            if ($name !== 'gone') {
                echo "$name: ", get_class($e), ': ', $e->getMessage(), "\n";
            }
        }
        Cluster::endScope();
    }
};
$end = hrtime(true) + 400_000_000;
do {
    $pid = pcntl_fork();
    if ($pid === 0) {
        $work();
        exit;
    }
    random_int(0, 3) === 0 && $work();
    pcntl_waitpid($pid, $status);
    $crashed = pcntl_wifsignaled($status) && ! in_array(pcntl_wtermsig($status), [SIGKILL], true);
    $crashed && print("a child ended by signal " . pcntl_wtermsig($status) . "\n");
} while (hrtime(true) < $end);
