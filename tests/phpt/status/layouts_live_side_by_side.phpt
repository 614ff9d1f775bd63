--TEST--
Processes of different layout versions keep files of their own and leave each other's alone
--EXTENSIONS--
posix
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$folder = sys_get_temp_dir() . '/layouts';
mkdir($folder);
$look = '$c = cluster(); $c->disable("10.0.0.2:3306"); $s = $c->status(); echo json_encode([$s["shared"], $s["shared_reason"]]);';
$seen = json_decode(inAnotherProcess($look, ['amm.shm_path' => $folder]), true);
check('a folder is where the file of this version is made', $seen === [true, null], $seen);

[$mine] = glob("$folder/*");
preg_match('/^amm-(\d+)-v(\d+)$/', basename($mine), $parts);
check('named after user and version', ($parts[1] ?? null) === (string) posix_geteuid(), basename($mine));
$version = (int) $parts[2];

// What an older and a newer version leave: their own size, their own first word.
foreach ([$version - 1 => 300_000, $version + 1 => 900_000] as $other => $size) {
    $path = "$folder/amm-{$parts[1]}-v$other";
    file_put_contents($path, chr($other) . strrev('amm-shm') . random_bytes($size - 8));
    chmod($path, 0600);
    $before = hash_file('sha256', $path);

    $seen = json_decode(inAnotherProcess('echo json_encode([cluster()->status()["shared"], cluster()->status()["nodes"]["10.0.0.2:3306"]["admin"]]);', ['amm.shm_path' => $folder]), true);
    check("beside version $other the processes of this one share theirs", $seen === [true, 'disabled'], $seen);

    $seen = json_decode(inAnotherProcess($look, ['amm.shm_path' => $path]), true);
    check("led to the file of version $other a process works by itself", $seen[0] === false && str_contains($seen[1], "$size bytes long"), $seen);
    check("which is left as it was", hash_file('sha256', $path) === $before);

    // One of the same size but another version is known by its first word.
    file_put_contents($path, substr_replace(file_get_contents($mine), chr($other), 0, 1));
    $seen = json_decode(inAnotherProcess($look, ['amm.shm_path' => $path]), true);
    check("and so it is if only its first word differs", $seen[0] === false && str_contains($seen[1], 'not a file of this version'), $seen);
}

array_map('unlink', glob("$folder/*"));
rmdir($folder);
?>
--EXPECTREGEX--
(ok: [^\n]+\n?){10}
