--TEST--
A server that accepts and never greets costs connect_timeout, with PDO and mysqli, over IPv4, IPv6 and a Unix socket
--EXTENSIONS--
pdo_mysql
mysqli
--INI--
amm.shm_path={TMP}/cut-never_greeted.shm
amm.monitor=off
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$path = sys_get_temp_dir() . '/never_greets';
array_map('unlink', glob("$path*"));
$good = new FakeServer();
$host = fn (Amm\Node $node) => str_contains($node->host, ':') ? "[$node->host]" : $node->host;
$dials = [
    'PDO' => fn (Amm\Node $node) => new PDO(
        $node->id[0] === '/' ? "mysql:unix_socket=$node->id" : "mysql:host={$host($node)};port=$node->port", 'user', 'password',
        [PDO::ATTR_TIMEOUT => 30],
    ),
    'mysqli' => fn (Amm\Node $node) => $node->id[0] === '/'
        ? @new mysqli('localhost', 'user', 'password', null, 0, $node->id)
        : @new mysqli($host($node), 'user', 'password', null, $node->port),
];
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
ini_set('mysqlnd.net_read_timeout', '86400');

foreach (['v4' => 'tcp://127.0.0.1:0', 'v6' => 'tcp://[::1]:0', 'unix' => "unix://$path"] as $family => $address) {
    foreach ($dials as $driver => $dial) {
        $silent = stream_socket_server($family === 'unix' ? "$address.$driver" : $address);
        $id = stream_socket_get_name($silent, false);
        $cluster = clusterOf([$good], ['nodes' => [$id, $good->id()], 'connect_timeout' => '300ms']);
        $tried = [];
        $began = hrtime(true);
        $handle = $cluster->connect(function (Amm\Node $node) use ($dial, &$tried) {
            $tried[] = $node->id;

            return $dial($node);
        });
        $took = (hrtime(true) - $began) / 1e6;
        $seen = $cluster->status()['nodes'][$id];
        check("$family, $driver: another node is dialled after the limit", $took > 290 && $took < 900, $took);
        check("$family, $driver: each once", $tried === [$id, $good->id()], $tried);
        check("$family, $driver: it is taken out, by a dial that timed out and no cut", $seen['breaker'] === 'open' && $seen['cuts'] === 0, $seen);
        check("$family, $driver: the handle is well", ! $cluster->wasCut($handle) && $cluster->isAlive($handle) && $handle->query('select port') !== false);
    }
}
?>
--CLEAN--
<?php array_map('unlink', glob(sys_get_temp_dir() . '/never_greets*')); ?>
--EXPECT--
ok: v4, PDO: another node is dialled after the limit
ok: v4, PDO: each once
ok: v4, PDO: it is taken out, by a dial that timed out and no cut
ok: v4, PDO: the handle is well
ok: v4, mysqli: another node is dialled after the limit
ok: v4, mysqli: each once
ok: v4, mysqli: it is taken out, by a dial that timed out and no cut
ok: v4, mysqli: the handle is well
ok: v6, PDO: another node is dialled after the limit
ok: v6, PDO: each once
ok: v6, PDO: it is taken out, by a dial that timed out and no cut
ok: v6, PDO: the handle is well
ok: v6, mysqli: another node is dialled after the limit
ok: v6, mysqli: each once
ok: v6, mysqli: it is taken out, by a dial that timed out and no cut
ok: v6, mysqli: the handle is well
ok: unix, PDO: another node is dialled after the limit
ok: unix, PDO: each once
ok: unix, PDO: it is taken out, by a dial that timed out and no cut
ok: unix, PDO: the handle is well
ok: unix, mysqli: another node is dialled after the limit
ok: unix, mysqli: each once
ok: unix, mysqli: it is taken out, by a dial that timed out and no cut
ok: unix, mysqli: the handle is well
