--TEST--
php/amm.stub.php declares what the extension declares
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$stub = file_get_contents(__DIR__ . '/../../../php/amm.stub.php');
$stub = preg_replace('/^<\?php/', '', $stub);
$stub = preg_replace('/^namespace Amm\b/m', 'namespace Stub\\Amm', $stub, -1, $rewritten);
$before = array_merge(get_declared_classes(), get_declared_interfaces());
eval($stub);
$declared = array_diff(get_declared_classes(), $before);

/** Describes a class or an enum, line by line. */
function describe(string $name): array
{
    $class = new ReflectionClass($name);
    $lines = [
        // Nothing can extend an enum, whether it says so or not.
        'final' => var_export($class->isFinal() || $class->isEnum(), true),
        'kind' => $class->isEnum() ? 'enum' : ($class->isInterface() ? 'interface' : 'class'),
        'parent' => (string) ($class->getParentClass() ?: null)?->name,
        'instantiable' => var_export($class->isInstantiable(), true),
    ];
    $interfaces = array_diff($class->getInterfaceNames(), ['Stringable', 'Throwable']);
    sort($interfaces);
    $lines['interfaces'] = implode(' ', $interfaces);

    foreach ($class->isEnum() ? (new ReflectionEnum($name))->getCases() : [] as $case) {
        $lines["case $case->name"] = $case->getBackingValue();
    }

    foreach ($class->getReflectionConstants() as $constant) {
        $lines["const $constant->name"] ??= 'declared';
    }

    foreach ($class->getProperties() as $property) {
        if ($property->class === $name && ! $class->isEnum()) {
            $lines["\$$property->name"] = implode(' ', Reflection::getModifierNames($property->getModifiers())) . ' ' . type($property->getType(), $name);
        }
    }

    foreach ($class->getMethods() as $method) {
        if ($method->class !== $name || $method->isConstructor() || $class->isEnum() && in_array($method->name, ['cases', 'from', 'tryFrom'])) {
            continue;
        }

        $parameters = array_map(function (ReflectionParameter $parameter) use ($name) {
            $default = $parameter->isDefaultValueAvailable() ? ' = ' . var_export($parameter->getDefaultValue(), true) : ($parameter->isOptional() ? ' = ?' : '');

            return type($parameter->getType(), $name) . ($parameter->isPassedByReference() ? ' &' : ' ') . ($parameter->isVariadic() ? '...' : '') . "\${$parameter->name}$default";
        }, $method->getParameters());

        $lines["$method->name()"] = implode(' ', Reflection::getModifierNames($method->getModifiers()))
            . ' (' . implode(', ', $parameters) . '): ' . type($method->getReturnType() ?? $method->getTentativeReturnType(), $name);
    }

    ksort($lines);

    return $lines;
}

function type(?ReflectionType $type, string $class): string
{
    if ($type === null) {
        return 'untyped';
    }

    if ($type instanceof ReflectionUnionType) {
        $names = array_map(fn ($part) => type($part, $class), $type->getTypes());
        sort($names);

        return implode('|', $names);
    }

    $name = $type->getName() === 'self' ? $class : $type->getName();

    return ($type->allowsNull() && ! in_array($name, ['null', 'mixed']) ? '?' : '') . $name;
}

$declared = array_values(array_filter($declared, fn ($name) => str_starts_with($name, 'Stub\\Amm')));
$real = (new ReflectionExtension('amm'))->getClassNames();
$stubbed = array_map(fn ($name) => substr($name, 5), $declared);
sort($real);
sort($stubbed);

check('the stub was rewritten', $rewritten === 2, $rewritten);
check('the same classes', $real === $stubbed, [array_diff($real, $stubbed), array_diff($stubbed, $real)]);

foreach ($stubbed as $name) {
    $expected = array_map(fn ($line) => str_replace('Stub\\', '', $line), describe("Stub\\$name"));
    $actual = in_array($name, $real) ? describe($name) : [];
    $differences = [];

    foreach ($expected + $actual as $key => $_) {
        if (($expected[$key] ?? 'missing') !== ($actual[$key] ?? 'missing')) {
            $differences[] = "$key: stub " . ($expected[$key] ?? 'missing') . ', extension ' . ($actual[$key] ?? 'missing');
        }
    }

    check("$name (" . (count($expected) > 5) . ')', $differences === [], $differences);
}
?>
--EXPECT--
ok: the stub was rewritten
ok: the same classes
ok: Amm\Cluster (1)
ok: Amm\Errors (1)
ok: Amm\Exception\AmmException ()
ok: Amm\Exception\ConfigError ()
ok: Amm\Exception\DeadlineExceeded ()
ok: Amm\Exception\NoWriterAvailable ()
ok: Amm\Exception\UnknownCluster ()
ok: Amm\Exception\WriteInDoubt ()
ok: Amm\Monitor (1)
ok: Amm\Node (1)
ok: Amm\Role (1)
ok: Amm\Verdict (1)
