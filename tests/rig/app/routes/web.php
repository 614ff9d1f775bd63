<?php

use App\OrderController;
use App\StatusController;
use Illuminate\Support\Facades\Route;

Route::post('/order', OrderController::class);

Route::get('/status', StatusController::class);

Route::get('/health', fn () => ['ok' => true]);
