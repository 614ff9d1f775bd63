--TEST--
Every exception of the extension is an AmmException, and an ordinary RuntimeException to those who do not know it
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

foreach (['AmmException', 'ConfigError', 'UnknownCluster', 'NoWriterAvailable', 'DeadlineExceeded', 'WriteInDoubt'] as $name) {
    $class = "Amm\\Exception\\$name";
    $previous = new LogicException('before');
    $e = new $class('message', 7, $previous);
    check($name, $e instanceof Amm\Exception\AmmException && $e instanceof RuntimeException
        && [$e->getMessage(), $e->getCode(), $e->getPrevious(), $e->getLine()] === ['message', 7, $previous, __LINE__ - 2]);
}

echo implode(' ', array_map(fn ($case) => "$case->name=$case->value", Amm\Role::cases())), "\n";
echo implode(' ', array_map(fn ($case) => "$case->name=$case->value", Amm\Verdict::cases())), "\n";
check('from()', Amm\Role::from('unready') === Amm\Role::Unready && Amm\Verdict::tryFrom('nope') === null && Amm\Verdict::from('not_writable') === Amm\Verdict::NotWritable);
check('match', match (Amm\Errors::classify(1290)) { Amm\Verdict::NotWritable => true, default => false });
check('enums serialise', unserialize(serialize(Amm\Role::Writer)) === Amm\Role::Writer && json_encode(Amm\Verdict::Down) === '"down"');
?>
--EXPECT--
ok: AmmException
ok: ConfigError
ok: UnknownCluster
ok: NoWriterAvailable
ok: DeadlineExceeded
ok: WriteInDoubt
Writer=writer Reader=reader Unready=unready Unknown=unknown
Down=down NotWritable=not_writable Lost=lost Conflict=conflict Overloaded=overloaded Client=client Unknown=unknown
ok: from()
ok: match
ok: enums serialise
