<?php

// Composer's autoloader in a checkout with its dependencies installed, or else the Laravel
// of Debian's php-laravel-framework.
foreach ([__DIR__.'/../vendor/autoload.php', 'Illuminate/autoload.php'] as $autoload) {
    if ($autoload = stream_resolve_include_path($autoload)) {
        require_once $autoload;

        break;
    }
}

spl_autoload_register(function (string $class): void {
    foreach (['Amm\\Laravel\\Tests\\' => __DIR__, 'Amm\\Laravel\\' => __DIR__.'/../src'] as $prefix => $folder) {
        if (str_starts_with($class, $prefix)) {
            $file = $folder.'/'.str_replace('\\', '/', substr($class, strlen($prefix))).'.php';

            if (is_file($file)) {
                require_once $file;
            }

            return;
        }
    }
});

require_once __DIR__.'/../../../tests/phpt/support/FakeServer.inc';
