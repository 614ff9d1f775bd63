--TEST--
On a full or read-only file system a process works by itself, says why, and kills nobody
--EXTENSIONS--
posix
--SKIPIF--
<?php
if (getenv('USE_ZEND_ALLOC') === '0') {
    exit('skip valgrind does not run mount, which is setuid');
}

if (posix_geteuid() !== 0 || trim((string) shell_exec('unshare --mount true 2>&1 && echo yes')) !== 'yes') {
    exit('skip needs root and mount namespaces');
}
?>
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

/** Runs code in a mount namespace of its own, in which a file system with these options is at $folder. */
function mounted(string $options, string $prepare, string $path, string $code): mixed
{
    $folder = dirname($path);
    $php = PHP_BINARY . ' -d ' . escapeshellarg("amm.shm_path=$path") . ' -d amm.monitor=off -r ' . escapeshellarg('require ' . var_export(__DIR__ . '/../support/helpers.inc', true) . "; $code");
    $script = 'mount --make-rprivate / && mount -t tmpfs -o ' . escapeshellarg($options) . ' none ' . escapeshellarg($folder) . " && $prepare && $php";
    exec('unshare --mount sh -c ' . escapeshellarg($script) . ' 2>/dev/null', $lines, $status);

    return $status === 0 ? json_decode(implode('', $lines), true) : "ended with $status";
}

$folder = sys_get_temp_dir() . '/file_systems';
mkdir($folder);
$path = "$folder/amm.shm";
$q = escapeshellarg($folder);
$look = '$c = cluster(); $n = $c->writer(); $c->report($n, 2002); $s = $c->status(); echo json_encode([$s["shared"], $s["shared_reason"], $c->writer()->id !== $n->id]);';

$cases = [
    'no room at all' => ['size=64k', 'true', 'No space left'],
    'full' => ['size=1m', "head -c 900k /dev/zero >$q/other", 'No space left'],
    'read-only' => ['size=4m', "mount -o remount,ro $q", 'Read-only'],
    'no more files' => ['size=4m,nr_inodes=2', "touch $q/other", 'No space left'],
];

foreach ($cases as $what => [$options, $prepare, $reason]) {
    $seen = mounted($options, $prepare, $path, $look);
    check("$what: works by itself and says why", is_array($seen) && $seen[0] === false && str_contains($seen[1], $path) && str_contains($seen[1], $reason) && $seen[2] === true, $seen);
}

$seen = mounted('size=4m', 'true', $path, $look);
check('with room it is shared', is_array($seen) && $seen[0] === true, $seen);

// The space was reserved: filling the rest later takes nothing away.
$fill = '$c = cluster(); $c->writer(); exec("head -c 8m /dev/zero >" . escapeshellarg(' . var_export("$folder/other", true) . ') . " 2>/dev/null"); '
    . 'for ($i = 0; $i < 64; $i++) { cluster(["nodes" => ["10.1.0.$i", "10.2.0.$i"]], "c$i")->writer(); } echo json_encode([$c->status()["shared"], $i]);';
$seen = mounted('size=1m', 'true', $path, str_replace('$i < 64', '$i < 60', $fill));
check('filled while in use: nothing happens', $seen === [true, 60], $seen);

// Room that comes later is found.
$later = '$c = cluster(); $c->writer(); $was = $c->status()["shared"]; unlink(' . var_export("$folder/other", true) . '); '
    . 'echo json_encode([$was, within(6, function () use ($c) { $c->writer(); return $c->status()["shared"]; })]);';
$seen = mounted('size=1m', "head -c 900k /dev/zero >$q/other", $path, $later);
check('once there is room it is shared', $seen === [false, true], $seen);

rmdir($folder);
?>
--EXPECT--
ok: no room at all: works by itself and says why
ok: full: works by itself and says why
ok: read-only: works by itself and says why
ok: no more files: works by itself and says why
ok: with room it is shared
ok: filled while in use: nothing happens
ok: once there is room it is shared
