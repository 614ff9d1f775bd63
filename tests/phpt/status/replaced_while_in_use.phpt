--TEST--
Whatever becomes of the shared file while it is in use, nothing crashes, and processes find each other again
--EXTENSIONS--
posix
--INI--
amm.shm_path={TMP}/status-replaced_while_in_use.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$path = ini_get('amm.shm_path');
$cluster = cluster();
$cluster->writer();
$good = file_get_contents($path);

/** Calls that read and write the shared memory; the last one makes other processes see something. */
$use = function () use ($cluster) {
    $cluster->writer();
    $cluster->candidates();
    $cluster->report($cluster->writer(), 1213);
    $cluster->status();
    $cluster->disable('10.0.0.1:3306');
};
$alone = fn () => $cluster->status()['shared'] === false;
$together = fn () => within(6, function () use ($use, $cluster) {
    $use();

    return $cluster->status()['shared'] && inAnotherProcess('echo cluster()->status()["nodes"]["10.0.0.1:3306"]["admin"];') === 'disabled';
});
$remove = fn () => is_dir($path) && ! is_link($path) ? rmdir($path) : unlink($path);

$cases = [
    'emptied' => [fn () => fclose(fopen($path, 'w')), true],
    'cut to one page' => [fn () => ftruncate(fopen($path, 'r+'), 4096), false],
    'made longer' => [fn () => file_put_contents($path, 'x', FILE_APPEND), false],
    'copied over' => [fn () => file_put_contents($path, $good), true],
    'overwritten with anything' => [fn () => file_put_contents($path, random_bytes(strlen($good))), null],
    'deleted' => [fn () => unlink($path), true],
    'replaced by another good one' => [fn () => file_put_contents("$path.new", $good) && chmod("$path.new", 0600) && rename("$path.new", $path), true],
    'replaced by garbage' => [fn () => file_put_contents("$path.new", 'garbage') && rename("$path.new", $path), false],
    'replaced by a folder' => [fn () => unlink($path) && mkdir($path), false],
    'replaced by a link' => [fn () => unlink($path) && symlink("$path.elsewhere", $path), false],
    'replaced by a pipe' => [fn () => unlink($path) && posix_mkfifo($path, 0600), false],
];

foreach ($cases as $what => [$strike, $recovers]) {
    $strike();
    $use();

    if ($recovers === false) {
        check("$what: works by itself and says why", within(6, function () use ($use, $alone) {
            $use();

            return $alone();
        }) && str_contains($cluster->status()['shared_reason'], $path), $cluster->status()['shared_reason']);
    }

    if ($recovers !== true) {
        $remove();
    }

    check("$what: together again", $together(), $cluster->status()['shared_reason']);
}

check('nothing was made through the link', ! file_exists("$path.elsewhere"));
?>
--EXPECTREGEX--
(ok: [^\n]+\n){17}ok: nothing was made through the link
