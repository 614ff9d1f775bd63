<?php
// What amm's calls cost, against hrtime(true) in the same round. Prints one JSON object.
// usage: calls.php host:port,host:port,... user password database
declare(strict_types=1);

use Amm\Cluster;

[, $nodes, $user, $password, $database] = $argv;
$nodes = explode(',', $nodes);
const ROUNDS = 7;

function cluster(string $name, array $nodes, array $more = []): Cluster
{
    return Cluster::define($name, ['flavour' => 'galera', 'writers' => 'spread', 'nodes' => $nodes] + $more);
}

/** Nanoseconds a turn of $body, which loops itself. */
function took(int $turns, Closure $body): float
{
    $began = hrtime(true);
    $body($turns);

    return (hrtime(true) - $began) / $turns;
}

function resident(): int
{
    preg_match('/VmRSS:\s+(\d+)/', file_get_contents('/proc/self/status'), $found);

    return (int) $found[1];
}

$many = fn (int $count) => array_map(fn ($i) => "10.9.0.$i", range(1, $count));
$three = cluster('three', $many(3));
$sixtyFour = cluster('sixty-four', $many(64));
$config = ['flavour' => 'galera', 'writers' => 'spread', 'nodes' => $many(3), 'username' => 'u', 'password' => 'p'];
$node = $three->writer();
$handle = $three->connect(fn () => new stdClass);

$live = cluster('live', $nodes, ['username' => $user, 'password' => $password]);
$dial = fn (Amm\Node $node, float $seconds) => new PDO(
    "mysql:host={$node->host};port={$node->port};dbname=$database", $user, $password, [PDO::ATTR_TIMEOUT => max(1, (int) ceil($seconds))],
);
$live->connect($dial);
$target = $live->writer();
$alone = fn () => $dial($target, 1.0);

$scopes = fn (int $n) => took($n, function (int $n) {
    for ($i = 0; $i < $n; $i++) {
        Cluster::beginScope();
        Cluster::endScope();
    }
});
$first = fn (Cluster $cluster, int $n) => took($n, function (int $n) use ($cluster) {
    for ($i = 0; $i < $n; $i++) {
        Cluster::beginScope();
        $cluster->writer();
        Cluster::endScope();
    }
}) - $scopes($n);

$rows = [];
for ($round = 0; $round < ROUNDS; $round++) {
    $loop = took(1_000_000, function (int $n) {
        for ($i = 0; $i < $n; $i++) {
        }
    });
    $row = ['hrtime' => took(1_000_000, function (int $n) {
        for ($i = 0; $i < $n; $i++) {
            hrtime(true);
        }
    }) - $loop];
    $row['writer'] = took(1_000_000, function (int $n) use ($three) {
        for ($i = 0; $i < $n; $i++) {
            $three->writer();
        }
    }) - $loop;
    $row['writer_key'] = took(200_000, function (int $n) use ($three) {
        for ($i = 0; $i < $n; $i++) {
            $three->writer('tenant:1');
        }
    }) - $loop;
    $row['current_node'] = took(1_000_000, function (int $n) use ($three, $node) {
        for ($i = 0; $i < $n; $i++) {
            $three->isCurrent($node);
        }
    }) - $loop;
    $row['current_handle'] = took(1_000_000, function (int $n) use ($three, $handle) {
        for ($i = 0; $i < $n; $i++) {
            $three->isCurrent($handle);
        }
    }) - $loop;
    $row['first_3'] = $first($three, 100_000);
    $row['first_64'] = $first($sixtyFour, 50_000);
    $row['define'] = took(100_000, function (int $n) use ($config) {
        for ($i = 0; $i < $n; $i++) {
            Cluster::define('again', $config);
        }
    }) - $loop;
    // The two kinds of dial take turns, so that both meet the same machine.
    $plain = $through = 0;
    for ($i = 0; $i < 400; $i++) {
        $began = hrtime(true);
        $pdo = $alone();
        $middle = hrtime(true);
        unset($pdo);
        $again = hrtime(true);
        $pdo = $live->connect($dial);
        $ended = hrtime(true);
        unset($pdo);
        $plain += $middle - $began;
        $through += $ended - $again;
    }
    $row['pdo'] = $plain / 400;
    $row['connect'] = $through / 400;
    $rows[] = $row;
}

// Ten million calls: nothing may grow. A short run first has everything allocated that is kept.
$all = function (int $turns) use ($three, $many, $node, $handle) {
    for ($i = 0; $i < $turns; $i++) {
        $three->writer();
        $three->writer('tenant:1');
        $three->isCurrent($node);
        $three->isCurrent($handle);
        $three->nodeOf($handle);
        if ($i % 10 === 0) {
            Cluster::beginScope();
            $three->writer();
            Cluster::endScope();
            cluster('three', $many(3));
        }
    }
    gc_collect_cycles();
};
$all(100_000);
$before = [memory_get_usage(), resident()];
$before = [memory_get_usage(), resident()];
$all(2_000_000);
$after = [memory_get_usage(), resident()];

echo json_encode(['rows' => $rows, 'growth' => ['php_bytes' => $after[0] - $before[0], 'rss_kib' => $after[1] - $before[1]]]), "\n";
