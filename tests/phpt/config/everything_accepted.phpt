--TEST--
A configuration with every key, in each of its forms, is accepted
--INI--
amm.shm_path={TMP}/config-everything_accepted.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$full = [
    'flavour' => 'galera',
    'writers' => 'spread',
    'nodes' => [
        '10.0.0.1',
        '10.0.0.2:3307',
        '[2001:db8::1]:3308',
        'DB4.example.com',
        '/run/mysqld/a.sock',
        ['host' => '10.0.0.3', 'port' => 3309, 'weight' => 2, 'priority' => 1, 'zone' => 'eu-1a', 'role' => 'reader', 'admin' => 'draining'],
        ['host' => 'localhost', 'socket' => '/run/mysqld/b.sock'],
    ],
    'username' => 'amm',
    'password' => '',
    'probe_interval' => '1s',
    'probe_interval_suspect' => '100ms',
    'probe_timeout' => 0.5,
    'connect_timeout' => 1,
    'connect_deadline' => '3s',
    'failures_to_open' => 2,
    'backoff' => ['base' => '1s', 'max' => '30s', 'jitter' => 0.5],
    'hold_down' => '2s',
    'slow_start' => '10s',
    'cut' => 'witnessed',
    'cut_after' => '2s',
    'cut_unwitnessed_after' => '30s',
    'sticky' => ['scope' => 'request', 'ttl' => '5s'],
    'failback' => 'auto',
    'multi_source' => false,
    'tls' => ['ca' => '/ca.pem', 'cert' => '/cert.pem', 'key' => '/key.pem', 'verify' => true],
    'max_lag' => '10s',
    'discover' => false,
    'discover_hosts' => ['*.example.com'],
    'idle_after' => '10m',
    'conflicts' => 'count',
    'secret' => '0123456789abcdef',
];

$status = Amm\Cluster::define('main', $full)->status();

echo implode("\n", array_keys($status['nodes'])), "\n";
check('flavour and writers', [$status['flavour'], $status['writers']] === ['galera', 'spread']);
check('admin is taken over', $status['nodes']['10.0.0.3:3309']['admin'] === 'draining', $status['nodes']['10.0.0.3:3309']);

$status = Amm\Cluster::define('main', ['flavour' => 'galera', 'nodes' => ['10.0.0.1']])->status();
check('single is the default', $status['writers'] === 'single', $status['writers']);
check('circular replication on request', thrown(fn () => cluster(['flavour' => 'read_only', 'writers' => 'spread', 'multi_source' => true])) === null);
?>
--EXPECT--
10.0.0.1:3306
10.0.0.2:3307
[2001:db8::1]:3308
db4.example.com:3306
/run/mysqld/a.sock
10.0.0.3:3309
/run/mysqld/b.sock
ok: flavour and writers
ok: admin is taken over
ok: single is the default
ok: circular replication on request
