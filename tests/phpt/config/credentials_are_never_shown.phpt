--TEST--
Credentials are in no message, dump, status or serialisation
--INI--
amm.shm_path={TMP}/config-credentials_are_never_shown.shm
amm.secret=ini-secret-0123456789
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

const SECRETS = ['user-hunter1', 'pass-hunter2', 'secret-hunter3-0123456789', 'ini-secret'];

$config = ['username' => SECRETS[0], 'password' => SECRETS[1], 'secret' => SECRETS[2]];
$cluster = cluster($config);
$node = $cluster->writer('k');

$shown = [
    'var_dump' => (function () use ($cluster, $node) { ob_start(); var_dump($cluster, $node, $cluster->status()); return ob_get_clean(); })(),
    'print_r' => print_r([$cluster, $node, $cluster->status()], true),
    'var_export' => var_export([$cluster, $node], true),
    'json_encode' => json_encode([$cluster, $node, $cluster->status()]),
    'array cast' => print_r([(array) $cluster, get_object_vars($cluster)], true),
    'string of the reflection' => (string) new ReflectionObject($cluster),
];

foreach ([
    'unknown key' => ['pasword' => SECRETS[1]],
    'wrong type' => ['password' => [SECRETS[1]]],
    'wrong value' => ['probe_interval' => 'nonsense'],
    'wrong secret' => ['secret' => [[SECRETS[2]]]],
    'too long' => ['password' => str_repeat(SECRETS[1], 1000)],
    'in a host' => ['nodes' => ['mysql://' . SECRETS[0] . ':' . SECRETS[1] . '@10.0.0.1']],
] as $what => $merge) {
    $e = thrown(fn () => cluster($merge + $config));
    $shown["ConfigError for $what"] = $e->getMessage();
}

$shown['UnknownCluster'] = thrown(fn () => Amm\Cluster::get('nope'))->getMessage();
$shown['NoWriterAvailable'] = thrown(fn () => $cluster->connect(fn () => throw pdoError(2002, 'refused')))->getMessage();

foreach ($shown as $where => $text) {
    check($where, array_filter(SECRETS, fn ($secret) => str_contains((string) $text, $secret)) === [] && $text !== '', $text);
}
?>
--EXPECT--
ok: var_dump
ok: print_r
ok: var_export
ok: json_encode
ok: array cast
ok: string of the reflection
ok: ConfigError for unknown key
ok: ConfigError for wrong type
ok: ConfigError for wrong value
ok: ConfigError for wrong secret
ok: ConfigError for too long
ok: ConfigError for in a host
ok: UnknownCluster
ok: NoWriterAvailable
