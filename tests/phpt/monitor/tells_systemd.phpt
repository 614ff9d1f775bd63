--TEST--
Monitor::run() tells systemd that it is ready, that it lives, and that it ends
--EXTENSIONS--
sockets
--INI--
amm.shm_path={TMP}/monitor-tells_systemd.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$path = ini_get('amm.shm_path') . '.sock';
$socket = socket_create(AF_UNIX, SOCK_DGRAM, 0);
socket_bind($socket, $path);
socket_set_option($socket, SOL_SOCKET, SO_RCVTIMEO, ['sec' => 3, 'usec' => 0]);
$next = function () use ($socket): string {
    return @socket_recv($socket, $message, 1000, 0) === false ? 'silence' : $message;
};

$nodes = ['127.0.0.1:' . closedPorts(1)[0]];
$service = new Service($nodes, environment: ['NOTIFY_SOCKET' => $path, 'WATCHDOG_USEC' => '900000']);
check('ready', ($said = $next()) === 'READY=1', $said);
$began = microtime(true);
for ($i = 0; $i < 4; $i++) {
    $lives[] = $next();
}
$took = microtime(true) - $began;
check('alive', $lives === array_fill(0, 4, 'WATCHDOG=1'), $lives);
check('often enough', $took < 3 * 0.9, $took);

// A stopped process says nothing: systemd would start another.
$service->signal(19);
usleep(50_000);
while (@socket_recv($socket, $said, 1000, MSG_DONTWAIT) !== false);
usleep(500_000);
check('stopped: silence', @socket_recv($socket, $said, 1000, MSG_DONTWAIT) === false);
$service->signal(18);
check('woken: alive', ($said = $next()) === 'WATCHDOG=1', $said);

$service->signal(1);
do { $said = $next(); } while ($said === 'WATCHDOG=1');
check('reloading', preg_match('/^RELOADING=1\nMONOTONIC_USEC=\d+$/', $said) === 1 && $next() === 'READY=1', $said);
$service->signal(15);
do { $said = $next(); } while ($said === 'WATCHDOG=1');
check('ending', $said === 'STOPPING=1' && $service->end() === 0, $said);
unlink($path);
?>
--EXPECT--
ok: ready
ok: alive
ok: often enough
ok: stopped: silence
ok: woken: alive
ok: reloading
ok: ending
