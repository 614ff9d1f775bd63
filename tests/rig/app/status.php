<?php

// Answers every line on its input with the cluster's state, one JSON object a line.

use App\StatusController;
use Illuminate\Contracts\Console\Kernel;

require __DIR__.'/bootstrap/autoload.php';

$app = require __DIR__.'/bootstrap/app.php';

$app->make(Kernel::class)->bootstrap();

do {
    echo json_encode(StatusController::status()), "\n";
} while (fgets(STDIN) !== false);
