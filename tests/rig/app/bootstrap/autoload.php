<?php

// Debian's framework needs its folder on the include path.
set_include_path('/usr/share/php'.PATH_SEPARATOR.get_include_path());

require 'Illuminate/autoload.php';

spl_autoload_register(function (string $class): void {
    $roots = [
        'App\\' => __DIR__.'/../app/',
        'Amm\\Laravel\\' => __DIR__.'/../packages/amm/src/',
    ];

    foreach ($roots as $prefix => $folder) {
        if (str_starts_with($class, $prefix)) {
            $file = $folder.strtr(substr($class, strlen($prefix)), '\\', '/').'.php';

            if (is_file($file)) {
                require $file;
            }
        }
    }
});
