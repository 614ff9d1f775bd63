--TEST--
The shared file is made when it is first needed, for its owner alone, and found again if it is deleted
--INI--
amm.shm_path={TMP}/status-shared_file.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$path = ini_get('amm.shm_path');
umask(0);
$cluster = cluster();
$cluster->writer();
clearstatcache();

check('a regular file', is_file($path) && ! is_link($path));
check('mode 0600', (fileperms($path) & 0777) === 0600, decoct(fileperms($path)));
check('owned by the effective user', fileowner($path) === posix_geteuid());
check('its space is reserved', stat($path)['blocks'] * 512 >= filesize($path), [stat($path)['blocks'] * 512, filesize($path)]);
check('holds no name and no credential', ! preg_match('/10\.0\.0\.|main/', file_get_contents($path)));

unlink($path);
$see = fn () => inAnotherProcess('echo cluster()->status()["nodes"]["10.0.0.1:3306"]["admin"];') === 'disabled';
check('processes find each other again', within(5, function () use ($cluster, $see) {
    usleep(300_000);
    $cluster->disable('10.0.0.1:3306');

    return $see();
}));
check('and say that they share', $cluster->status()['shared'] === true);
?>
--EXPECT--
ok: a regular file
ok: mode 0600
ok: owned by the effective user
ok: its space is reserved
ok: holds no name and no credential
ok: processes find each other again
ok: and say that they share
