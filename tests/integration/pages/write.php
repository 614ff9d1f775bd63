<?php
// One write by plain PDO through amm. Parameters come from the environment and the query.
use Amm\Cluster;

$setting = fn (string $name) => $_SERVER["AMM_TEST_$name"] ?? getenv("AMM_TEST_$name");
header('Content-Type: application/json');
try {
    $cluster = Cluster::define('test', json_decode(file_get_contents($setting('CONFIG')), true));
    $pdo = $cluster->connect(fn (Amm\Node $node, float $seconds) => new PDO(
        "mysql:host={$node->host};port={$node->port};dbname=shop", 'app', 'app-secret',
        [PDO::ATTR_TIMEOUT => max(1, (int) ceil($seconds)), PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION],
    ));
    $pdo->prepare('INSERT INTO written VALUES (?)')->execute([$_GET['token'] ?? uniqid('', true)]);
    $node = $cluster->nodeOf($pdo);
    echo json_encode(['node' => $node->id, 'connection_id' => (int) $pdo->query('SELECT CONNECTION_ID()')->fetchColumn()]);
} catch (Throwable $e) {
    http_response_code(500);
    echo json_encode(['error' => $e->getMessage(), 'class' => get_class($e), 'errno' => $e->errorInfo[1] ?? null]);
}
