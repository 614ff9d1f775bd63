--TEST--
Programs that a process starts get none of the descriptors that amm has open
--INI--
amm.shm_path={TMP}/fork-programs_inherit_nothing.shm
amm.monitor=auto
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

/** What a program of ours finds open, but for what is its own. */
$open = fn (): array => array_values(array_filter(
    explode("\n", shell_exec('for fd in /proc/self/fd/*; do readlink $fd; done')),
    fn (string $to) => str_starts_with($to, 'socket:') || str_contains($to, 'amm') || str_contains($to, '.shm'),
));

// Nobody greets on these: a probe holds its connection for as long as it may.
$silent = array_map(fn () => stream_socket_server('tcp://127.0.0.1:0'), range(1, 3));
$unix = stream_socket_server('unix://' . ($path = ini_get('amm.shm_path') . '.sock'));
$nodes = array_merge(array_map(fn ($socket) => stream_socket_get_name($socket, false), $silent), [$path]);
$before = $open();
$cluster = cluster(['nodes' => $nodes, 'username' => 'amm', 'probe_timeout' => '2s', 'probe_interval' => '100ms']);
$cluster->writer();

$sockets = fn () => count(preg_grep('/^socket:/', array_map(fn ($fd) => @readlink($fd) ?: '', glob('/proc/self/fd/*'))));
$own = $sockets();
check('probes hold connections', within(5, fn () => $sockets() >= 8), $sockets());
$inherited = [];
for ($i = 0; $i < 60; $i++) {
    $inherited = array_merge($inherited, array_diff($open(), $before));
}
check('none of them is inherited', $inherited === [], $inherited);
unlink($path);
?>
--EXPECT--
ok: probes hold connections
ok: none of them is inherited
