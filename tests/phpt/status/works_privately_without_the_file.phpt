--TEST--
A file that cannot be had, or is not ours, is left alone: the process works by itself and says why
--EXTENSIONS--
posix
--INI--
amm.shm_path={TMP}/status-works_privately_without_the_file.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$folder = sys_get_temp_dir() . '/works_privately';
mkdir($folder);
$good = "$folder/good";
inAnotherProcess('cluster()->writer();', ['amm.shm_path' => $good]);
$size = filesize($good);

$cases = [
    'a missing folder' => ["$folder/no/such/file", null],
    'garbage' => ["$folder/garbage", fn ($path) => file_put_contents($path, random_bytes($size))],
    'too short' => ["$folder/short", fn ($path) => file_put_contents($path, substr(file_get_contents($good), 0, 4096))],
    'another layout' => ["$folder/layout", fn ($path) => file_put_contents($path, substr_replace(file_get_contents($good), strrev(substr(file_get_contents($good), 0, 8)), 0, 8))],
    'a symbolic link' => ["$folder/link", fn ($path) => symlink($good, $path)],
    'a dangling link' => ["$folder/dangling", fn ($path) => symlink("$folder/nowhere", $path)],
    'a pipe' => ["$folder/pipe", fn ($path) => posix_mkfifo($path, 0600)],
];

if (posix_geteuid() === 0) {
    $cases['another owner'] = ["$folder/foreign", fn ($path) => copy($good, $path) && chmod($path, 0600) && chown($path, 65534)];
}

foreach ($cases as $what => [$path, $prepare]) {
    $prepare && $prepare($path);
    clearstatcache();
    $before = is_file($path) ? hash_file('sha256', $path) : null;

    $output = inAnotherProcess('$c = cluster(); $n = $c->writer(); $c->report($n, 2002); $s = $c->status(); echo json_encode([$s["shared"], $s["shared_reason"], $c->writer()->id !== $n->id, implode(" ", $s["warnings"])]);', ['amm.shm_path' => $path]);
    [$shared, $reason, $moved, $warnings] = json_decode($output, true) ?? [null, $output, null, ''];

    check("$what: works by itself", $shared === false && $moved === true, $output);
    check("$what: says why", is_string($reason) && str_contains($reason, basename($path)) && str_contains($warnings, $reason), $reason);
    clearstatcache();
    check("$what: is left as it was", (is_file($path) ? hash_file('sha256', $path) : null) === $before);
}

check('nothing was made through the dangling link', ! file_exists("$folder/nowhere"));
check('the good one is shared', json_decode(inAnotherProcess('echo json_encode(cluster()->status()["shared"]);', ['amm.shm_path' => $good])) === true);

array_map('unlink', array_filter(glob("$folder/*"), fn ($path) => is_link($path) || ! is_dir($path)));
@unlink("$folder/dangling");
rmdir($folder);
?>
--EXPECTREGEX--
(ok: [^\n]+\n){21,24}ok: nothing was made through the dangling link
ok: the good one is shared
