--TEST--
A key may be any string of bytes, as PHP's strings are
--INI--
amm.shm_path={TMP}/select-keys_are_bytes.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['writers' => 'spread']);

foreach (["\0\xff", "\xc3\x28", hex2bin('0123456789abcdeffedcba9876543210'), str_repeat('k', 1 << 20)] as $key) {
    $what = strlen($key) . ' bytes ' . bin2hex(substr($key, 0, 4));
    $e = thrown(fn () => check($what, $cluster->writer($key) === $cluster->writer($key)
        && $cluster->candidates($key)[0]->id === $cluster->writer($key)->id
        && $cluster->connect(fn ($node) => $node->id, $key) === $cluster->writer($key)->id));
    echo $e === null ? '' : "FAILED: $what: {$e->getMessage()}\n";
}
?>
--EXPECT--
ok: 2 bytes 00ff
ok: 2 bytes c328
ok: 16 bytes 01234567
ok: 1048576 bytes 6b6b6b6b
