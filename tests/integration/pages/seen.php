<?php
// One request: dials a writer through amm; tells who served it and what it sees of the cluster.
// "sql": runs that instead of a write of its own, and tells when it ended and how; "key": the sticky key.
// AMM_TEST_CONFIG names a folder of configurations. "at": a moment of hrtime() to begin at, so that
// requests in all workers begin at once; "hold_ms": stay that long afterwards, to keep the worker;
// "do" and "node": an operator's word first.
use Amm\Cluster;

header('Content-Type: application/json');
$folder = $_SERVER['AMM_TEST_CONFIG'] ?? getenv('AMM_TEST_CONFIG');
$answer = ['pid' => getmypid()];
while (hrtime(true) < (int) ($_GET['at'] ?? 0)) {
    usleep(200);
}
$began = hrtime(true);
try {
    $config = json_decode(file_get_contents("$folder/" . basename($_GET['config'] ?? 'cluster') . '.json'), true);
    $cluster = Cluster::define('test', $config);
    isset($_GET['do']) && $cluster->{$_GET['do']}($_GET['node']);
    $pdo = $cluster->connect(fn (Amm\Node $node, float $seconds) => new PDO(
        "mysql:host={$node->host};port={$node->port};dbname=shop", 'app', 'app-secret',
        [PDO::ATTR_TIMEOUT => max(1, (int) ceil($seconds)), PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION],
    ), $_GET['key'] ?? null);
    $answer += ['took_us' => intdiv(hrtime(true) - $began, 1000), 'status' => $cluster->status()];
    if (isset($_GET['sql'])) {
        $answer += ['began' => hrtime(true), 'node' => $cluster->nodeOf($pdo)->id];
        try {
            $pdo->query($_GET['sql']);
        } catch (PDOException $e) {
            $answer += ['errno' => $e->errorInfo[1], 'was_cut' => $cluster->wasCut($pdo)];
        }
        exit(json_encode(['ended' => hrtime(true)] + $answer));
    }
    $pdo->prepare('INSERT INTO written VALUES (?)')->execute([uniqid('', true) . getmypid()]);
    $answer += ['node' => $cluster->nodeOf($pdo)->id];
} catch (Throwable $e) {
    http_response_code(500);
    $answer += ['took_us' => intdiv(hrtime(true) - $began, 1000), 'error' => $e->getMessage(), 'class' => get_class($e)];
}
usleep(1000 * (int) ($_GET['hold_ms'] ?? 0));
echo json_encode($answer);
