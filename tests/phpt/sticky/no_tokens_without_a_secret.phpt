--TEST--
without a secret there are no tokens, and the error says what to set
--INI--
amm.shm_path={TMP}/no-tokens.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster();
throws('token()', Amm\Exception\ConfigError::class, ['"main"', 'amm.secret', '16'], fn () => $cluster->token());
check('resume()', $cluster->resume('anything') === false);
check('status() says that there are none', $cluster->status()['tokens'] === null);
$signed = cluster(['secret' => '0123456789abcdef'], 'signed');
check('a secret of the cluster is enough', $signed->resume($signed->token()));
?>
--EXPECT--
ok: token()
ok: resume()
ok: status() says that there are none
ok: a secret of the cluster is enough
