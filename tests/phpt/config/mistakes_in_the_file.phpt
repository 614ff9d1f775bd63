--TEST--
A mistake in the file of amm.config is a ConfigError that names file and place, shows no credential, and leaves define() alone
--INI--
amm.shm_path={TMP}/config-mistakes_in_the_file.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$file = sys_get_temp_dir() . '/mistakes_in_the_file.toml';

$attempt = function (?string $toml, string $call = 'Amm\Cluster::get("main");') use ($file) {
    @unlink($file);

    if ($toml !== null) {
        file_put_contents($file, $toml);
    }

    return inAnotherProcess("echo json_encode(array_map(fn (\$e) => \$e ? [get_class(\$e), \$e->getMessage()] : null, [thrown(function () { $call }), thrown(fn () => cluster([], 'own'))]));", ['amm.config' => $file]);
};

$mistakes = [
    'unknown key' => ["[cluster.main]\nnodes = ['a']\nprobe_intervall = 1\n", ['probe_intervall', 'main', 'probe_interval']],
    'wrong type' => ["[cluster.main]\nnodes = ['a']\nfailures_to_open = 'two'\n", ['failures_to_open', 'two', 'integer']],
    'duplicate nodes' => ["[cluster.main]\nnodes = ['a', 'a:3306']\n", ['nodes[1]', 'once']],
    'unknown table' => ["[clusters.main]\nnodes = ['a']\n", ['clusters', 'cluster']],
    'no TOML' => ["[cluster.main]\npassword = 'hunter2\n", ['line 2']],
    'no file' => [null, ['cannot read']],
];

foreach ($mistakes as $what => [$toml, $parts]) {
    $output = $attempt($toml);
    [$get, $define] = json_decode($output, true) ?? [$output, $output];
    $missing = array_filter([...$parts, $file], fn ($part) => ! str_contains($get[1] ?? '', $part));
    check($what, ($get[0] ?? null) === Amm\Exception\ConfigError::class && $missing === [] && ! str_contains($get[1], 'hunter2'), $get);
    check("$what: define() works all the same", $define === null, $define);
}

@unlink($file);
?>
--EXPECT--
ok: unknown key
ok: unknown key: define() works all the same
ok: wrong type
ok: wrong type: define() works all the same
ok: duplicate nodes
ok: duplicate nodes: define() works all the same
ok: unknown table
ok: unknown table: define() works all the same
ok: no TOML
ok: no TOML: define() works all the same
ok: no file
ok: no file: define() works all the same
