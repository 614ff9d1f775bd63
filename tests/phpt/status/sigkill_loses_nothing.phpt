--TEST--
What a killed process knew is still known, and nobody waits for it
--EXTENSIONS--
posix
--INI--
amm.shm_path={TMP}/status-sigkill_loses_nothing.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

inAnotherProcess('$c = cluster(["writers" => "single"]); $c->report($c->writer(), 1290); posix_kill(posix_getpid(), 9);');
$cluster = cluster(['writers' => 'single']);
check('its report is there', $cluster->status()['nodes']['10.0.0.1:3306']['role'] === 'reader', $cluster->status()['nodes']['10.0.0.1:3306']);
check('choices follow it', $cluster->writer()->id === '10.0.0.2:3306');

// Killed as the one trial of an open breaker.
$config = "['backoff' => ['base' => '50ms', 'max' => '50ms', 'jitter' => 0], 'connect_timeout' => '100ms', 'nodes' => ['10.0.2.1']]";
inAnotherProcess("\$c = cluster($config, 'one'); \$c->report(\$c->writer(), 2002); usleep(100000); \$c->connect(fn () => posix_kill(posix_getpid(), 9));");
$one = cluster(eval("return $config;"), 'one');
check('its claim expires', within(4, fn () => thrown(fn () => $one->connect(fn () => new stdClass)) === null));
?>
--EXPECT--
ok: its report is there
ok: choices follow it
ok: its claim expires
