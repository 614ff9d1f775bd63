--TEST--
discover_hosts says what may come in, and a mistake in it is named; where no list of members exists, status() says so
--INI--
amm.shm_path={TMP}/discovery.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

use Amm\Exception\ConfigError;

foreach (['*', '10.0.0.*', '10.0.0.0/33', 'db*/24', '127.1', 'a b', 7] as $pattern) {
    $shown = is_string($pattern) ? "\"$pattern\"" : $pattern;
    throws("no pattern: $shown", ConfigError::class, ['cluster "main": discover_hosts[1]: given ' . $shown, '"10.0.0.0/24"'], fn () => cluster(['discover_hosts' => ['db1', $pattern]]));
}
throws('nothing would be allowed', ConfigError::class, ['discover_hosts: given nothing', 'since discover is true'], fn () => cluster(['discover' => true]));

$all = ['discover' => true, 'discover_hosts' => ['db2', 'DB-*.example.com', '10.0.0.0/24', '2001:db8::/64', '[2001:db8::2]:3307', 'db2:3307']];
$status = cluster($all + ['username' => 'amm'])->status();
check('the configured nodes are no discovered ones', array_unique(array_column($status['nodes'], 'discovered')) === [false], $status['nodes']);
check('nothing else to say', preg_grep('/discover|member/', $status['warnings']) === [], $status['warnings']);

$replicas = cluster($all + ['flavour' => 'read_only'])->status();
check('replicas have no list', in_array('discover is not in force: flavour read_only has no list of members', $replicas['warnings'], true), $replicas['warnings']);
?>
--EXPECT--
ok: no pattern: "*"
ok: no pattern: "10.0.0.*"
ok: no pattern: "10.0.0.0/33"
ok: no pattern: "db*/24"
ok: no pattern: "127.1"
ok: no pattern: "a b"
ok: no pattern: 7
ok: nothing would be allowed
ok: the configured nodes are no discovered ones
ok: nothing else to say
ok: replicas have no list
