--TEST--
The module loads from an ini file, with its version and all its classes
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$amm = new ReflectionExtension('amm');

check('is loaded', extension_loaded('amm'));
check('has a version', preg_match('/^\d+\.\d+\.\d+/', (string) $amm->getVersion()) === 1, $amm->getVersion());

$names = $amm->getClassNames();
sort($names);
echo implode("\n", $names), "\n";

check('has no functions', $amm->getFunctions() === [], array_keys($amm->getFunctions()));
?>
--EXPECT--
ok: is loaded
ok: has a version
Amm\Cluster
Amm\Errors
Amm\Exception\AmmException
Amm\Exception\ConfigError
Amm\Exception\DeadlineExceeded
Amm\Exception\NoWriterAvailable
Amm\Exception\UnknownCluster
Amm\Exception\WriteInDoubt
Amm\Monitor
Amm\Node
Amm\Role
Amm\Verdict
ok: has no functions
