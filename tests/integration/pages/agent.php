<?php
// Does as it is told: one JSON command a line, one JSON answer a line. An exception is an answer.
// Besides the cluster's own keys, its configuration may say "app": {dsn, username, password, driver}.
use Amm\{Cluster, Errors, Node};

$config = json_decode(file_get_contents($argv[1]), true);
$app = ($config['app'] ?? []) + ['dsn' => null, 'username' => 'app', 'password' => 'app-secret'];
unset($config['app']);
$cluster = Cluster::define('test', $config);
$handles = [];
$say = function (mixed $answer): void {
    fwrite(STDOUT, json_encode($answer, JSON_THROW_ON_ERROR) . "\n");
};
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$host = fn (Node $node): string => str_contains($node->host, ':') ? "[{$node->host}]" : $node->host;
$mysqli = fn (Node $node): mysqli => $node->id[0] === '/'
    ? @new mysqli('localhost', $app['username'], $app['password'], 'shop', 0, $node->id)
    : @new mysqli($host($node), $app['username'], $app['password'], 'shop', $node->port);
$dial = fn (Node $node, float $seconds): PDO|mysqli => ($app['driver'] ?? 'pdo') === 'mysqli' ? $mysqli($node) : new PDO(
    $app['dsn'] ?? ($node->id[0] === '/' ? "mysql:unix_socket={$node->id};dbname=shop" : null) ?? "mysql:host={$host($node)};port={$node->port};dbname=shop", $app['username'], $app['password'],
    [PDO::ATTR_TIMEOUT => max(1, (int) ceil($seconds)), PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION],
);
$scoped = function (callable $do): mixed {
    Cluster::beginScope();
    try {
        return $do();
    } finally {
        Cluster::endScope();
    }
};
/** @param list<string> $statements */
$run = function (string $name, array $statements) use ($cluster, &$handles): array {
    $handle = $handles[$name];
    try {
        foreach ($statements as $statement) {
            $handle->exec($statement);
        }
        return ['errno' => null];
    } catch (PDOException $e) {
        $verdict = $cluster->report($cluster->nodeOf($handle), $e);
        return ['errno' => $e->errorInfo[1], 'verdict' => $verdict->value];
    }
};
/** What a node is at this moment, without what changes from probe to probe. */
$look = fn (): array => array_map(
    fn (array $node): array => array_intersect_key($node, array_flip(['role', 'health', 'breaker', 'writable', 'epoch'])),
    $cluster->status()['nodes'],
);

$commands = [
    'status' => fn (): array => $cluster->status(),
    // The writer of each key.
    'writers' => fn (array $c): array => array_map(
        fn (string $key): string => $scoped(fn () => $cluster->writer($key)->id), $c['keys'],
    ),
    // A key whose writer is this node.
    'key' => function (array $c) use ($cluster, $scoped): array {
        for ($i = 0; $i < 10_000; $i++) {
            if ($scoped(fn () => $cluster->writer("key-$i")->id) === $c['node']) {
                return ['key' => "key-$i"];
            }
        }
        throw new RuntimeException("no key leads to {$c['node']}");
    },
    // All nodes that many keys are read from.
    'readers' => function () use ($cluster, $scoped): array {
        $seen = array_map(fn (int $i): string => $scoped(fn () => $cluster->reader("key-$i")->id), range(1, 300));
        $ids = array_keys($cluster->status()['nodes']);
        return array_values(array_filter($ids, fn (string $id): bool => in_array($id, $seen, true)));
    },
    // Dials are told with their times. "slow": on this node the dial takes "pause_ms" longer.
    'connect' => function (array $c) use ($cluster, $dial, $scoped, &$handles): array {
        $dials = [];
        $told = function (Node $node, float $seconds) use ($c, $dial, &$dials): PDO|mysqli {
            $at = count($dials);
            $dials[] = ['node' => $node->id, 'began' => hrtime(true), 'ended' => PHP_INT_MAX];
            usleep($node->id === ($c['slow'] ?? null) ? 1000 * $c['pause_ms'] : 0);
            try {
                return $dial($node, $seconds);
            } finally {
                $dials[$at]['ended'] = hrtime(true);
            }
        };
        $began = hrtime(true);
        $handle = $scoped(fn () => $cluster->connect($told, $c['key'] ?? null));
        $took = hrtime(true) - $began;
        $handles[$c['name'] ?? ''] = $handle;
        $node = $cluster->nodeOf($handle);
        return ['node' => $node->id, 'epoch' => $node->epoch, 'dials' => $dials, 'took_us' => intdiv($took, 1000)];
    },
    // Has this process probe the cluster, without a connection of its own.
    'lead' => function () use ($cluster, $scoped): array {
        try {
            $scoped(fn () => $cluster->connect(fn () => throw new LogicException('not wanted')));
        } catch (LogicException) {
        }
        return [];
    },
    'current' => function (array $c) use ($cluster, &$handles): array {
        return ['current' => $cluster->isCurrent($handles[$c['name']])];
    },
    'cut' => function (array $c) use ($cluster, &$handles): array {
        return ['cut' => $cluster->wasCut($handles[$c['name']])];
    },
    // Writes over a kept handle; a failure is reported, and told.
    'write' => fn (array $c): array => $run($c['name'], ["INSERT INTO written VALUES ('{$c['token']}')"]),
    // The same with statements of the caller's, up to the first that fails.
    'sql' => fn (array $c): array => $run($c['name'], $c['statements']),
    // Runs statements over a kept handle, one after the other, as long as they take: when that was, and whether the handle was cut.
    'stay' => function (array $c) use ($cluster, &$handles): array {
        $handle = $handles[$c['name']];
        $answer = ['began' => hrtime(true), 'errno' => null, 'verdict' => null];
        try {
            foreach ($c['sql'] as $sql) {
                $handle->query($sql);
            }
        } catch (PDOException | mysqli_sql_exception $e) {
            $answer['verdict'] = $cluster->report($cluster->nodeOf($handle), $e)->value;
            $answer['errno'] = $e->errorInfo[1] ?? $e->getCode();
        }
        return ['ended' => hrtime(true), 'was_cut' => $cluster->wasCut($handle)] + $answer;
    },
    // Every state that any node is in for so long, as often as can be looked.
    'watch' => function (array $c) use ($look): array {
        $seen = [];
        $looks = 0;
        $last = null;
        $end = hrtime(true) + $c['ms'] * 1_000_000;
        do {
            $now = $look();
            $looks++;
            if ($now !== $last) {
                $seen[] = $last = $now;
            }
        } while (hrtime(true) < $end);
        return ['seen' => $seen, 'looks' => $looks];
    },
    // Everything PHP can be made to show of the cluster.
    'dump' => function () use ($cluster): array {
        ob_start();
        var_dump($cluster, $cluster->candidates());
        print_r($cluster);
        echo json_encode($cluster), json_encode((array) $cluster), "\n";
        (new ReflectionExtension('amm'))->info();
        return ['text' => ob_get_clean()];
    },
];

$say(['ready' => getmypid()]);
while (($line = fgets(STDIN)) !== false) {
    try {
        $command = json_decode($line, true, 512, JSON_THROW_ON_ERROR);
        $say($commands[$command['do']]($command));
    } catch (Throwable $e) {
        $say(['class' => get_class($e), 'message' => $e->getMessage(), 'errno' => $e->errorInfo[1] ?? null]);
    }
}
