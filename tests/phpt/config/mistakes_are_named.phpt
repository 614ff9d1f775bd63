--TEST--
Every mistake in a configuration is a ConfigError that names the key, what was given and what is accepted
--INI--
amm.shm_path={TMP}/config-mistakes_are_named.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

/** What to merge into a good configuration, the key, what was given, what is accepted. */
$mistakes = [
    'unknown key' => [['probe_intervall' => '1s'], 'probe_intervall', 'unknown', 'probe_interval'],
    'unknown key of a node' => [['nodes' => [['host' => 'a', 'wieght' => 2]]], 'nodes[0].wieght', 'unknown', 'weight'],
    'unknown key of a group' => [['backoff' => ['bas' => '1s']], 'backoff.bas', 'unknown', 'base'],
    'unknown flavour' => [['flavour' => 'oracle'], 'flavour', 'oracle', 'galera'],
    'unknown writers' => [['writers' => 'random'], 'writers', 'random', 'spread'],
    'unknown cut' => [['cut' => 'maybe'], 'cut', 'maybe', 'witnessed'],
    'unknown failback' => [['failback' => 'never'], 'failback', 'never', 'manual'],
    'unknown role' => [['nodes' => [['host' => 'a', 'role' => 'slave']]], 'nodes[0].role', 'slave', 'reader'],
    'unknown admin state' => [['nodes' => [['host' => 'a', 'admin' => 'off']]], 'nodes[0].admin', 'off', 'disabled'],
    'no nodes' => [['nodes' => []], 'nodes', '0', '1 to 64'],
    'nodes missing' => [['nodes' => null], 'nodes', 'nothing', '1 to 64'],
    'nodes no list' => [['nodes' => 'a,b'], 'nodes', 'a,b', 'list'],
    'too many nodes' => [['nodes' => array_map(fn ($i) => "10.0.0.$i", range(1, 65))], 'nodes', '65', '1 to 64'],
    'duplicate nodes' => [['nodes' => ['a', 'b', 'A:3306']], 'nodes[2]', 'a:3306', 'once'],
    'a node that is no host' => [['nodes' => ['a', 'http://b']], 'nodes[1]', 'not shown', 'host'],
    'a node of a wrong type' => [['nodes' => [7]], 'nodes[0]', '7', 'host'],
    'a node without a host' => [['nodes' => [['port' => 3306]]], 'nodes[0].host', 'nothing', 'host'],
    'port zero' => [['nodes' => [['host' => 'a', 'port' => 0]]], 'nodes[0].port', '0', '1 to 65535'],
    'port too high' => [['nodes' => ['a:65536']], 'nodes[0]', 'a:65536', '65535'],
    'port of a wrong type' => [['nodes' => [['host' => 'a', 'port' => '3306']]], 'nodes[0].port', '3306', 'integer'],
    'weight zero' => [['nodes' => [['host' => 'a', 'weight' => 0]]], 'nodes[0].weight', '0', '1 to 1000'],
    'negative weight' => [['nodes' => [['host' => 'a', 'weight' => -1]]], 'nodes[0].weight', '-1', '1 to 1000'],
    'priority of a wrong type' => [['nodes' => [['host' => 'a', 'priority' => 'high']]], 'nodes[0].priority', 'high', 'integer'],
    'relative socket' => [['nodes' => [['host' => 'a', 'socket' => 'run/mysqld.sock']]], 'nodes[0].socket', 'run/mysqld.sock', 'absolute'],
    'a duration without a unit' => [['probe_interval' => 'soon'], 'probe_interval', 'soon', 'duration'],
    'a duration of zero' => [['probe_interval' => 0], 'probe_interval', '0', 'duration'],
    'a negative duration' => [['connect_timeout' => -1], 'connect_timeout', '-1', 'duration'],
    'a duration of a wrong type' => [['connect_deadline' => true], 'connect_deadline', 'true', 'duration'],
    'an endless duration' => [['hold_down' => '400 days'], 'hold_down', '400 days', 'duration'],
    'a dial longer than all dials' => [['connect_timeout' => '5s', 'connect_deadline' => '1s'], 'connect_timeout', '5s', 'connect_deadline'],
    'failures_to_open zero' => [['failures_to_open' => 0], 'failures_to_open', '0', '1 to 100'],
    'jitter out of range' => [['backoff' => ['jitter' => 1.5]], 'backoff.jitter', '1.5', '0 to 1'],
    'backoff no map' => [['backoff' => '1s'], 'backoff', '1s', 'base'],
    'sticky scope unknown' => [['sticky' => ['scope' => 'user']], 'sticky.scope', 'user', 'request'],
    'multi_source no boolean' => [['multi_source' => 'yes'], 'multi_source', 'yes', 'true or false'],
    'spread over read_only' => [['flavour' => 'read_only', 'writers' => 'spread'], 'writers', 'spread', 'multi_source'],
    'tls of a wrong type' => [['tls' => true], 'tls', 'true', 'verify'],
    'a certificate without its key' => [['tls' => ['cert' => '/c.pem']], 'tls.key', 'nothing', 'tls.cert'],
    'a relative certificate' => [['tls' => ['ca' => 'ca.pem']], 'tls.ca', 'ca.pem', 'absolute'],
    'password without username' => [['password' => 'x'], 'username', 'nothing', 'password'],
    'username of a wrong type' => [['username' => 5], 'username', 'integer', 'string'],
    'secret too short' => [['secret' => 'short'], 'secret', 'string', '16'],
];

foreach ($mistakes as $what => [$merge, $key, $given, $accepted]) {
    $config = $merge + ['flavour' => 'galera', 'nodes' => ['10.0.0.1']];
    throws($what, Amm\Exception\ConfigError::class, [$key, $given, $accepted], fn () => Amm\Cluster::define('main', $config));
}

throws('a name that is none', Amm\Exception\ConfigError::class, ['cluster', 'a b', 'letters'], fn () => cluster([], 'a b'));
throws('an empty name', Amm\Exception\ConfigError::class, ['cluster', 'letters'], fn () => cluster([], ''));

check('a mistake defines nothing', Amm\Cluster::names() === [], Amm\Cluster::names());
?>
--EXPECTREGEX--
(ok: [^\n]+\n){44}ok: a mistake defines nothing
